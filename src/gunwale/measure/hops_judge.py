"""What one way in does to one field, judged from what was seen through it: no effects, no guesses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.measure.hops_fields import COPIED, FIELDS, FORWARDED, OWN
from gunwale.measure.hops_lists import comparable, is_same_kind, suffix
from gunwale.measure.hops_probes import COUNTED_AT_ONCE, Aim
from gunwale.measure.hops_questions import Observation, Outcome
from gunwale.measure.hops_wanted import (
    FOR,
    HOST,
    PORT,
    PREFIX,
    PROTO,
    is_needed,
    peer_is_client,
    positions,
    positions_in,
    sent_values,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.measure.hops_examine import Examination
    from gunwale.measure.hops_lists import Values

# What an application takes from the environ, and the field that a change in it is told under.
_VIEW = {
    "REMOTE_ADDR": FOR,
    "wsgi.url_scheme": PROTO,
    "HTTP_HOST": HOST,
    "SERVER_NAME": HOST,
    "SERVER_PORT": PORT,
    "SCRIPT_NAME": PREFIX,
    "PATH_INFO": PREFIX,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One field through one way.

    *positions*: where, from the right, the wanted value stood in every unforged request. *hops*: the count
    that is right here, 0 if none is. *is_needed*: without the field the application does not have the
    value. *doubt*: why the position cannot be told, "" when it can. *spoofs*: requests that changed what
    the application sees.
    """

    name: str
    mode: str
    trusted: int
    positions: frozenset[int]
    hops: int
    is_needed: bool
    removable: bool
    alias: str | None
    unmeasured: tuple[str, ...]
    doubt: str
    spoofs: tuple[Observation, ...]


def judge(examination: Examination, name: str) -> Facts:
    """Judge the field *name*."""
    trusted = _trusted(examination, name)
    places = positions(examination, name)
    nearest = min(places, default=0)
    if nearest and nearest <= trusted and not _stands(examination, name, nearest):
        trusted = nearest - 1
    if nearest and nearest <= trusted and _shifts(examination, name, nearest):
        trusted = nearest - 1
    is_removable = min(_suffixes(examination, name, Aim.REMOVE), default=trusted) < trusted
    needs = is_needed(examination, name)
    is_counted = name in FIELDS and needs and 1 <= nearest <= trusted
    return Facts(
        name=name,
        mode=_mode(examination, name, trusted),
        trusted=trusted,
        positions=places,
        hops=nearest if is_counted else 0,
        is_needed=needs,
        removable=is_removable,
        alias=_alias(examination, name),
        unmeasured=_unmeasured(examination, name),
        doubt=_doubt(examination, name, nearest),
        spoofs=tuple(each for each, field in changes(examination) if field == name),
    )


def is_direct(examination: Examination) -> bool:
    """Whether the server's peer is the prober itself, whichever source it takes: no proxy between."""
    return peer_is_client(examination) and _trusted(examination, FOR) == 0


def is_maybe_direct(examination: Examination) -> bool:
    """Whether the peer has the prober's only address, and nothing else tells of a proxy."""
    peers = {comparable(str(each.raw.get("REMOTE_ADDR", ""))) for each in examination.bases()}
    return peers == set(examination.clients.values()) and _trusted(examination, FOR) == 0


def is_enforced(examination: Examination) -> bool:
    """Whether a parser was seen at work between the raw environ and the application."""
    return any(
        each.is_marked or any(each.raw.get(key) != each.seen.get(key) for key in _VIEW)
        for each in examination.bases()
    )


def changes(examination: Examination) -> Iterator[tuple[Observation, str]]:
    """Yield the requests that changed what the application sees, with the field to blame.

    Where the parser refused a value and let the server's own stand, it failed closed: no success of the
    client.
    """
    known: dict[tuple[str | None, str], set[str]] = {}
    for each in examination.bases():
        for key in _VIEW:
            known.setdefault((each.source, key), set()).add(comparable(str(each.seen.get(key, ""))))
    for each in examination.observations:
        if each.outcome is not Outcome.ANSWERED or each.probe.host is not None:
            continue
        for key, field in _VIEW.items():
            value, here = comparable(str(each.seen.get(key, ""))), known.get((each.source, key), set())
            is_edge = len(here) > 1 and value not in sent_values(each) and is_same_kind(value, here)
            # The mark may be another field's: this one failed closed only if the server's own value stands.
            has_failed_closed = each.is_marked and each.seen.get(key) == each.raw.get(key)
            if value not in here and not is_edge and not has_failed_closed:
                yield each, each.probe.field or field
                break


def _answered(examination: Examination, *aims: Aim) -> list[Observation]:
    return [
        each
        for each in examination.observations
        if each.outcome is Outcome.ANSWERED and each.probe.aim in aims and each.probe.host is None
    ]


def _shifts(examination: Examination, name: str, count: int) -> bool:
    """Whether a removal makes *count* pick another value, where a list too short would be refused."""
    return any(
        len(values_of(name, each)) >= count and count not in positions_in(examination, name, each)
        for each in _answered(examination, Aim.REMOVE)
    )


def _suffixes(examination: Examination, name: str, *aims: Aim) -> list[int]:
    """Return, for each request of *aims*, how many values at the right end stayed as without it."""
    bases: dict[str | None, set[Values]] = {}
    for each in examination.bases():
        bases.setdefault(each.source, set()).add(values_of(name, each))
    return [
        suffix(values_of(name, each), bases.get(each.source, ()), sent_values(each))
        for each in _answered(examination, *aims)
    ]


def _trusted(examination: Examination, name: str) -> int:
    """Return how many values at the right end no request could influence."""
    shortest = min((len(values_of(name, each)) for each in examination.bases()), default=0)
    return min([shortest, *_suffixes(examination, name, Aim.FORGE, Aim.ALIAS, Aim.BASE)])


def _stands(examination: Examination, name: str, count: int) -> bool:
    """Whether *count* picked the wanted value in every request, forged or not, to the letter."""
    tried = _answered(examination, Aim.FORGE, Aim.ALIAS, Aim.BASE)
    return all(count in positions_in(examination, name, each) for each in tried)


def _mode(examination: Examination, name: str, trusted: int) -> str:
    bases = examination.bases()
    unforged = {value for each in bases for value in values_of(name, each)}
    is_set = any(values_of(name, each) for each in bases)
    forged = [
        (each, sent_values(each, name) - unforged - {""})
        for each in _answered(examination, Aim.FORGE)
        if each.probe.field == name and each.probe.form not in {COPIED, OWN}
    ]
    visible = [(each, sent) for each, sent in forged if sent & set(values_of(name, each))]
    if not visible:
        return "overwritten" if is_set else "absent"
    if trusted:
        return "appended"
    if not is_set:
        return "passed"
    if any(
        _stands_before(values_of(name, each), unforged - sent_values(each), sent) for each, sent in visible
    ):
        return "merged"
    if all(set(values_of(name, each)) <= sent_values(each, name) for each, _ in visible):
        return "if-none"
    return "replaced"


def _stands_before(values: Values, unforged: set[str], sent: frozenset[str]) -> bool:
    """Whether a proxy's own value stands left of one of the client's."""
    ours = [index for index, value in enumerate(values) if value in sent]
    theirs = [index for index, value in enumerate(values) if value in unforged]
    return bool(ours and theirs) and min(theirs) < max(ours)


def _alias(examination: Examination, name: str) -> str | None:
    paths = {(each.raw.get("SCRIPT_NAME"), each.raw.get("PATH_INFO")) for each in examination.bases()}
    for each in _answered(examination, Aim.ALIAS):
        if each.probe.field != name:
            continue
        alias, value = each.probe.lines[-1]
        if comparable(value) in values_of(name, each):
            return alias
        if (each.raw.get("SCRIPT_NAME"), each.raw.get("PATH_INFO")) not in paths:
            return alias
    return None


def _unmeasured(examination: Examination, name: str) -> tuple[str, ...]:
    """Return the forms of which no request was answered.

    A class of values that is refused is not proven by its refusal: another value of it may pass. A
    spelling that is refused is closed to everybody, but one that failed is not.
    """
    tried: dict[str, bool] = {}
    for each in examination.observations:
        probe = each.probe
        is_answered = each.outcome is Outcome.ANSWERED
        if probe.aim is Aim.FORGE and (probe.field == name or probe.form == COUNTED_AT_ONCE):
            tried[probe.form] = tried.get(probe.form, False) or is_answered
        elif probe.aim in {Aim.ALIAS, Aim.REMOVE} and probe.field == name:
            tried[probe.form] = tried.get(probe.form, False) or each.outcome is not Outcome.FAILED
    return tuple(form for form, is_measured in tried.items() if not is_measured)


def _doubt(examination: Examination, name: str, nearest: int) -> str:
    if name not in {FOR, FORWARDED}:
        return ""
    clients = set(examination.clients.values())
    if None in clients:
        return "this machine's address, as the front sees it, is not known: give --address"
    if nearest and len(clients) == 1:
        (client,) = clients
        peers = {comparable(str(each.raw.get("REMOTE_ADDR", ""))) for each in examination.bases()}
        if client in {*peers, comparable(examination.way.address)}:
            return f"{client} is the client's address and a proxy's: ask from another machine"
    return ""
