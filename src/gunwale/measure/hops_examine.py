"""Asking one way in everything: what came back for each probe, and nothing judged yet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from gunwale.measure import hops_probes
from gunwale.measure.hops_fields import COUNTED, FIELDS, FORWARDED, OTHERS
from gunwale.measure.hops_http import Protocol
from gunwale.measure.hops_http2 import can_carry
from gunwale.measure.hops_lists import comparable, split
from gunwale.measure.hops_probes import UNFORGED, Aim
from gunwale.measure.hops_questions import Observation, Outcome, Questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gunwale.measure.hops_http import Asker, Way
    from gunwale.measure.hops_questions import Token

_REPEATS = 5
_REPEATS_WHEN_ROTATING = 12
_OTHER_HOST = "gunwale-probe.example"


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
    token: Token | None = None,
    address: str | None = None,
    sources: tuple[str | None, ...] | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Examination:
    """Ask one way everything; StartError when nothing can be concluded from its answers.

    *address* is the prober's own as the front sees it, where a NAT hides it; *sources* are found when None.
    """
    questions = Questions(asker, token)
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
    asker: Asker, examination: Examination, counts: Mapping[str, int], *, token: Token | None = None
) -> Examination:
    """Forge exactly as many values as are counted, and one more, and add what came back."""
    questions = Questions(asker, token)
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


def _unforged(questions: Questions, sources: Iterable[str | None]) -> Iterator[Observation]:
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
