"""Asking one way in everything: what came back for each probe, and nothing judged yet."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.errors import Problem, StartError
from gunwale.measure import hops_probes
from gunwale.measure.hops_fields import COUNTED, FIELDS, FORWARDED, OTHERS
from gunwale.measure.hops_http import Protocol
from gunwale.measure.hops_http2 import can_carry
from gunwale.measure.hops_lists import comparable, split
from gunwale.measure.hops_probes import UNFORGED, Aim, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gunwale.measure.hops_exchange import Answer
    from gunwale.measure.hops_http import Asker, Way

_NONCE = "gunwale-probe"
_TOKEN = "Gunwale-Echo-Token"  # noqa: S105 - the name of a field
_REPEATS = 5
_REPEATS_WHEN_ROTATING = 12
_TRIES = 3
_PAUSE = 0.3  # seconds before a failed request is tried again, doubled each time
_LONGEST_PAUSE = 5.0
_OTHER_HOST = "gunwale-probe.example"


class Outcome(StrEnum):
    """How one probe ended."""

    ANSWERED = "answered"
    REFUSED = "refused"  # an answer that is not the echo's: 400, 403, a redirect
    FAILED = "failed"  # no answer, 429 or 5xx, after several tries


class Observation(NamedTuple):
    """One probe and its end; *raw* and *seen* are the echo's, before and after the parser.

    *is_marked*: the parser said that it refused a forwarded value.
    """

    probe: Probe
    source: str | None
    outcome: Outcome
    status: int
    raw: Mapping[str, str]
    seen: Mapping[str, str]
    is_marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All that was seen through one *way*; *clients* maps our sources to the address the front sees.

    None as such an address: it is not known, a NAT stands between.
    """

    way: Way
    clients: Mapping[str | None, str | None]
    observations: tuple[Observation, ...]

    def bases(self, source: str | None = None, *, is_any: bool = True) -> list[Observation]:
        """Return what unforged requests on connections of their own showed, of every source or of one."""
        return [
            each
            for each in self.observations
            if each.probe.aim is Aim.BASE
            and each.probe.host is None
            and each.probe.is_fresh
            and each.outcome is Outcome.ANSWERED
            and (is_any or each.source == source)
        ]


def examine(
    asker: Asker,
    *,
    token: str | None = None,
    address: str | None = None,
    sources: tuple[str | None, ...] | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Examination:
    """Ask one way everything; StartError when nothing can be concluded from its answers.

    *address* is the prober's own as the front sees it, where a NAT hides it; *sources* are found when None.
    """
    questions = _Questions(asker, token)
    first = questions.first()
    sources = sources or asker.sources()
    clients = {source: comparable(address) if address else _client(asker, source) for source in sources}
    found = [first._replace(source=sources[0])] if sources[0] is None else []
    found += _unforged(questions, sources)
    base = next(each for each in found if each.source == sources[0])
    probes = [
        probe
        for probe in hops_probes.all_of(*_bases(base, asker.way, clients[sources[0]]))
        if asker.way.protocol is Protocol.HTTP1 or can_carry(probe.lines)
    ]
    for number, probe in enumerate(probes):
        if number % 8 == 0:
            progress(asker.way.label, number, len(probes))
        found.append(questions.ask(probe, sources[0]))
        if found[-1].outcome is Outcome.REFUSED:
            found.append(questions.control(sources[0], probe))
        elif number % 25 == 24:
            # On the connection that just carried forged values: nothing of them may stay.
            found.append(questions.control(sources[0], probe))
    progress(asker.way.label, len(probes), len(probes))
    return Examination(way=asker.way, clients=clients, observations=tuple(found))


def replay(
    asker: Asker, examination: Examination, counts: Mapping[str, int], *, token: str | None = None
) -> Examination:
    """Forge exactly as many values as are counted, and one more, and add what came back."""
    questions = _Questions(asker, token)
    source = next(iter(examination.clients))
    base = examination.bases(source, is_any=False)[0]
    bases, owns = _bases(base, asker.way, examination.clients[source])
    found: list[Observation] = []
    for name, count in counts.items():
        if count:
            wanted = (count, count + 1)
            probes = hops_probes.forging(FIELDS[name], bases[name], owns.get(name, ""), wanted)
            found += [questions.ask(probe, source) for probe in probes]
    return Examination(
        way=examination.way,
        clients=examination.clients,
        observations=(*examination.observations, *found),
    )


def _unforged(questions: _Questions, sources: Iterable[str | None]) -> Iterator[Observation]:
    for number, source in enumerate(sources):
        found = [questions.control(source, UNFORGED) for _ in range(3 if number else _REPEATS)]
        keys = [FIELDS[name].key for name in COUNTED]
        if len({tuple(each.raw.get(key) for key in keys) for each in found}) > 1:
            found += [questions.control(source, UNFORGED) for _ in range(_REPEATS_WHEN_ROTATING)]
        yield from found
        if not number:
            yield questions.ask(UNFORGED._replace(host=_OTHER_HOST), source)


def _bases(
    base: Observation, way: Way, client: str | None
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the unforged values of every field, and the right value of each where it is known."""
    bases = {name: split(base.raw.get(field.key)) for name, field in {**FIELDS, **OTHERS}.items()}
    owns = {
        "x-forwarded-for": client or "",
        "x-real-ip": client or "",
        FORWARDED: f"for={client}" if client and ":" not in client else "",
        "x-forwarded-proto": way.scheme,
        "x-forwarded-host": way.host,
        "x-forwarded-port": str(way.port),
    }
    return bases, owns


def _client(asker: Asker, source: str | None) -> str | None:
    """Return the address the front sees, or None where that is not ours to know."""
    own, front = asker.source_address(source), ip_address(asker.way.address)
    here = ip_address(own)
    is_seen = here.is_global or (here.is_private and front.is_private)
    return comparable(own) if is_seen else None


class _Questions:
    """Asks one way, and tells an echo's answer to this very request from everything else."""

    def __init__(self, asker: Asker, token: str | None) -> None:
        self._asker = asker
        self._token = ((_TOKEN, token),) if token else ()

    def first(self) -> Observation:
        """Ask once, and say what is wrong when no echo answers."""
        url = self._asker.way.label
        try:
            answer, nonce = self._send(UNFORGED, None)
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate is not trusted: {error.verify_message}"
            raise _start(url, message, "use the name it was issued for, or --insecure") from error
        except OSError as error:
            raise _start(url, f"cannot be reached: {error.strerror or error}", "is it up?") from error
        found = self._read(UNFORGED, None, answer, nonce)
        if found.outcome is not Outcome.ANSWERED:
            raise _start(url, f"answers {answer.status}, not as an echo", _hint(answer))
        return found

    def control(self, source: str | None, after: Probe) -> Observation:
        """Ask unforged; StartError when that is no longer answered."""
        found = self.ask(UNFORGED._replace(is_fresh=after is UNFORGED), source)
        if found.outcome is not Outcome.ANSWERED:
            what = f"after {after.form!r} in {after.field or 'several fields'}" if after.field else "unforged"
            message = f"refuses even unforged requests ({found.status or 'no answer'}, {what})"
            raise _start(
                self._asker.way.label, message, "nothing is concluded: let this machine's address pass"
            )
        return found

    def ask(self, probe: Probe, source: str | None) -> Observation:
        """Ask; failures are tried again, a refusal is an answer."""
        found = Observation(probe, source, Outcome.FAILED, 0, {}, {})
        for turn in range(_TRIES):
            pause = _PAUSE * 2**turn
            try:
                answer, nonce = self._send(probe, source)
            except OSError:
                answer = None
            if answer is not None:
                found = self._read(probe, source, answer, nonce)
                if found.outcome is not Outcome.FAILED:
                    return found
                pause = max(pause, _retry_after(answer))
            if turn + 1 < _TRIES:
                time.sleep(pause)
        return found

    def _send(self, probe: Probe, source: str | None) -> tuple[Answer, str]:
        nonce = secrets.token_hex(8)
        target = self._asker.way.target
        target += f"{'&' if '?' in target else '?'}{_NONCE}={nonce}"
        lines = (("Gunwale-Probe", nonce), *self._token, *probe.lines)
        asked = self._asker.ask(target, lines, source=source, host=probe.host, is_fresh=probe.is_fresh)
        return asked, nonce

    def _read(self, probe: Probe, source: str | None, answer: Answer, nonce: str) -> Observation:
        if answer.status == 429 or answer.status >= 500:
            return Observation(probe, source, Outcome.FAILED, answer.status, {}, {})
        said = _echo(answer)
        if said is None:
            return Observation(probe, source, Outcome.REFUSED, answer.status, {}, {})
        raw, seen = said["raw"], said["seen"]
        asked = [
            part.removeprefix(f"{_NONCE}=")
            for part in str(raw.get("QUERY_STRING", "")).split("&")
            if part.startswith(f"{_NONCE}=")
        ]
        answers = {*asked, *filter(None, [raw.get("HTTP_GUNWALE_PROBE")])}
        if answers != {nonce}:
            message = "the answer is to another request: a cache stands in front of the echo"
            hint = "nothing is concluded: exclude the echo's path from the cache"
            if not answers:
                message = "neither the query nor our own field reaches the echo"
                hint = "nothing is concluded: let the front pass the query of this path"
            raise _start(self._asker.way.label, message, hint)
        return Observation(
            probe, source, Outcome.ANSWERED, answer.status, raw, seen, bool(said.get("refused"))
        )


def _echo(answer: Answer) -> dict[str, Any] | None:
    try:
        said = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        return None
    if not isinstance(said, dict) or not all(isinstance(said.get(key), dict) for key in ("raw", "seen")):
        return None
    return said


def _retry_after(answer: Answer) -> float:
    text = answer.fields.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() else 0.0


def _hint(answer: Answer) -> str:
    location = answer.fields.get("location")
    if location and 300 <= answer.status < 400:
        return f"it redirects to {location[:200]!r}: give that address"
    if answer.status in {401, 403, 404}:
        return "is the path the echo's, and the --token the application's?"
    return "put gunwale echo in the application's place, or give the path of its own echo and --token"


def _start(where: str, message: str, hint: str) -> StartError:
    return StartError(Problem(where=where, message=message, hint=hint))
