"""The verdict on each field over every way in: a count holds only where it holds on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gunwale.measure.hops_fields import COUNT_NAMES
from gunwale.measure.hops_judge import Facts, is_enforced, judge
from gunwale.measure.hops_lists import comparable
from gunwale.measure.hops_probes import Aim
from gunwale.measure.hops_wanted import FOR, HOST, PORT, PREFIX, PROTO, resolved, sent_values, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunwale.measure.hops_examine import Examination
    from gunwale.measure.hops_questions import Observation


class Verdict(StrEnum):
    """What can be said of a field's count."""

    PROVEN = "PROVEN"
    BLIND = "SAFE-BUT-BLIND"
    UNSAFE = "UNSAFE"
    UNDECIDED = "UNDECIDED"


class Spoof(NamedTuple):
    """A request that an application believes, and the way it takes."""

    examination: Examination
    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One field over all ways; *hops* is the count to configure, *notes* what a reader must know."""

    name: str
    mode: str
    trusted: int
    position: int
    hops: int
    verdict: Verdict
    removable: bool
    alias: str | None
    spoofs: tuple[Spoof, ...]
    notes: tuple[str, ...]


def decide(
    examinations: Sequence[Examination],
    name: str,
    configured: Mapping[str, int] | None,
    unknown: Sequence[str] = (),
) -> Judgement:
    """Judge *name* over all *examinations*, the first of which is the URL's own.

    *unknown* are ways in that answered, and could not be examined: with one of them no count is proven.

    *configured* are the counts in force; None where none are known: then what the URL alone would
    suggest is held against the other ways.
    """
    found = [(each, judge(each, name)) for each in examinations]
    first = found[0][1]
    is_same = len({facts.hops for _, facts in found}) == 1
    count = (configured or {}).get(COUNT_NAMES.get(name, ""), 0) if configured is not None else first.hops
    hops = first.hops if is_same else 0
    if is_same and not hops and _holds(found, name, count):
        # Not needed here, and harmless: the plan may know of a use for it.
        hops = count
    spoofs = _spoofs(found, name, count)
    doubts = [*_doubts(found, hops), *(f"not concluded: {each}" for each in unknown if hops)]
    verdict = _verdict(found, hops, is_unsafe=bool(spoofs), is_doubtful=bool(doubts))
    notes = [*doubts, *_notes(found, hops, configured, count)]
    if verdict is Verdict.PROVEN and count != hops and not _holds(found, name, count):
        verdict = Verdict.BLIND
    return Judgement(
        name=name,
        mode=first.mode,
        trusted=min(facts.trusted for _, facts in found),
        position=min(first.positions, default=0),
        hops=0 if doubts else hops,
        verdict=verdict,
        removable=any(facts.removable for _, facts in found),
        alias=next((facts.alias for _, facts in found if facts.alias), None),
        spoofs=spoofs,
        notes=tuple(f"{name}: {note}" for note in dict.fromkeys(notes)),
    )


_Found = list[tuple["Examination", Facts]]


def _verdict(found: _Found, hops: int, *, is_unsafe: bool, is_doubtful: bool) -> Verdict:
    if is_unsafe:
        return Verdict.UNSAFE
    if is_doubtful:
        return Verdict.UNDECIDED
    is_removable = any(facts.removable for _, facts in found)
    return Verdict.PROVEN if hops and not is_removable else Verdict.BLIND


def _holds(found: _Found, name: str, count: int) -> bool:
    """Whether the *count* in force gives the wanted value, be it the one to recommend or not."""
    return name in COUNT_NAMES and all(
        count in facts.positions and count <= facts.trusted for _, facts in found
    )


def _doubts(found: _Found, hops: int) -> list[str]:
    if not hops:
        hidden = [facts.doubt for _, facts in found if "--address" in facts.doubt and facts.trusted]
        return hidden[:1]
    doubts = [
        f"not concluded: no request with {form} was answered over {each.way.label}"
        for each, facts in found
        for form in facts.unmeasured
    ]
    # One way on which the position shows is enough; on the others the value agrees.
    if all(facts.doubt for _, facts in found):
        doubts.append(f"not concluded: {found[0][1].doubt}")
    return doubts


def _spoofs(found: _Found, name: str, count: int) -> tuple[Spoof, ...]:
    spoofs = []
    for examination, facts in found:
        shown = list(facts.spoofs)
        if not shown and count > facts.trusted and not is_enforced(examination):
            shown = _picked(examination, name, count)
        shown.sort(key=lambda each: (len(each.probe.lines), sum(len(value) for _, value in each.probe.lines)))
        spoofs += [Spoof(examination, each) for each in shown[:1]]
    return tuple(spoofs)


def _picked(examination: Examination, name: str, count: int) -> list[Observation]:
    """Return requests for which *count* picks another value than the proxies', the client's own if any.

    Where *count* values never arrive there is none: a list too short is refused.
    """
    unforged = {resolved(name, each, count) for each in examination.bases()} - {None}
    found = [
        each
        for each in examination.observations
        if each.probe.aim in {Aim.FORGE, Aim.ALIAS}
        and (value := resolved(name, each, count))
        and value not in {*unforged, comparable(wanted(examination, name, each) or "")}
    ]
    plain = [each for each in found if resolved(name, each, count) in sent_values(each)]
    return plain or found


def _notes(found: _Found, hops: int, configured: Mapping[str, int] | None, count: int) -> list[str]:
    name, notes = found[0][1].name, []
    if len({facts.hops for _, facts in found}) > 1:
        each_way = ", ".join(f"{facts.hops} through {each.way.label}" for each, facts in found)
        notes.append(f"no one count fits every way in ({each_way}): close the others, or keep 0")
    for _each, facts in found:
        if facts.removable:
            notes.append("a client can have it removed by naming it in Connection, and hide behind a proxy")
        if facts.mode == "if-none":
            notes.append("is set only where the client sends none: it works in every test, and is forgeable")
        if facts.mode in {"merged", "replaced"}:
            notes.append("the client's values reach the place of the proxy's own")
    notes += _scheme_notes(found, hops) if name == PROTO else _needless_notes(found, hops)
    if configured is not None and name in COUNT_NAMES and count != hops:
        notes.append(f"the plan says {count}, measured is {hops}")
    return notes


def _scheme_notes(found: _Found, hops: int) -> list[str]:
    schemes = {each.way.scheme for each, _ in found}
    if not hops or len(schemes) > 1:
        return []
    return [f"measured over {schemes.pop()} only: give the address of the other scheme as a --door"]


def _needless_notes(found: _Found, hops: int) -> list[str]:
    if hops or any(facts.is_needed for _, facts in found):
        return []
    reasons = {
        FOR: "the peer is the client: 0 is right",
        HOST: "not needed: Host brings it",
        PORT: "not needed: the port is not lost",
        PREFIX: "not needed: no part of the path is taken off",
    }
    name = found[0][1].name
    return [reasons[name]] if name in reasons else []
