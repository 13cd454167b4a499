"""What the application should have of each field, and where in the lists that arrived it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.measure.hops_fields import FIELDS, OTHERS
from gunwale.measure.hops_lists import comparable, position, split
from gunwale.measure.hops_questions import Outcome

if TYPE_CHECKING:
    from gunwale.measure.hops_examine import Examination
    from gunwale.measure.hops_lists import Values
    from gunwale.measure.hops_questions import Observation

FOR, PROTO, HOST, PORT, PREFIX = (
    f"x-forwarded-{name}" for name in ("for", "proto", "host", "port", "prefix")
)


def resolved(name: str, observation: Observation, count: int) -> str | None:
    """Return the value of *name* that *count* picks, None where the list is shorter."""
    values = values_of(name, observation)
    return values[-count] if 0 < count <= len(values) else None


def values_of(name: str, observation: Observation) -> Values:
    """Return the values of the field *name* that arrived."""
    return split(observation.raw.get(_key(name)))


def sent_values(observation: Observation, name: str | None = None) -> frozenset[str]:
    """Return every value that the request carried, of one field or of all."""
    key = _key(name) if name else None
    return frozenset(
        value
        for field, text in observation.probe.lines
        if key is None or _like(field) == key
        for value in split(text)
    )


def wanted(examination: Examination, name: str, observation: Observation) -> str | None:
    """Return the value that the application should have; None where it is not known."""
    way = examination.way
    match name:
        case "x-forwarded-for" | "forwarded" | "x-real-ip":
            return examination.clients.get(observation.source)
        case "x-forwarded-proto":
            return way.scheme
        case "x-forwarded-host":
            return (observation.probe.host or way.host).lower()
        case "x-forwarded-port":
            return str(way.port)
        case "x-forwarded-prefix":
            # A layer that writes "/" says that nothing was taken off: right, and its own to say.
            return _lost_prefix(examination, observation) or "/"
    return None


def _key(name: str) -> str:
    return {**FIELDS, **OTHERS}[name].key


def _like(field: str) -> str:
    return "HTTP_" + field.strip().upper().replace("-", "_").replace(".", "_")


def positions_in(examination: Examination, name: str, observation: Observation) -> frozenset[int]:
    """Return where, from the right, the wanted value stands in one answer."""
    value = wanted(examination, name, observation)
    if not value:
        return frozenset()
    return position(values_of(name, observation), comparable(value), ignores_port=name == HOST)


def positions(examination: Examination, name: str) -> frozenset[int]:
    """Return where the wanted value stood in every unforged request, from each source."""
    found = [positions_in(examination, name, each) for each in examination.bases()]
    # Another Host may be another virtual host's business; it counts where the list is as long.
    lengths = {len(values_of(name, each)) for each in examination.bases()}
    found += [
        positions_in(examination, name, each)
        for each in _other_host(examination)
        if name == HOST and {len(values_of(name, each))} == lengths
    ]
    return frozenset.intersection(*found) if found else frozenset()


def _other_host(examination: Examination) -> list[Observation]:
    return [
        each
        for each in examination.observations
        if each.probe.host is not None and each.outcome is Outcome.ANSWERED
    ]


def is_needed(examination: Examination, name: str) -> bool:
    """Whether the application may lack the value without the field *name*."""
    match name:
        case "x-forwarded-for" | "forwarded":
            return not peer_is_client(examination)
        case "x-forwarded-host":
            return not _keeps_host(examination)
        case "x-forwarded-port":
            return not examination.way.has_default_port and not _keeps_port(examination)
        case "x-forwarded-prefix":
            return any(_lost_prefix(examination, each) for each in examination.bases())
    return True


def peer_is_client(examination: Examination) -> bool:
    """Whether the server's peer follows our source; of one source alone it cannot be told."""
    return len(set(examination.clients.values())) > 1 and all(
        comparable(str(each.raw.get("REMOTE_ADDR", ""))) == examination.clients.get(each.source)
        for each in examination.bases()
    )


def _keeps_host(examination: Examination) -> bool:
    tried = [*examination.bases(), *_other_host(examination)]
    return all(
        str(each.raw.get("HTTP_HOST", "")).lower() == wanted(examination, HOST, each) for each in tried
    )


def _keeps_port(examination: Examination) -> bool:
    """Whether the port comes with Host, or with the X-Forwarded-Host that is counted."""
    if _keeps_host(examination):
        return True
    count = min(positions(examination, HOST), default=0)
    return bool(count) and all(
        (resolved(HOST, each, count) or "").endswith(f":{examination.way.port}")
        for each in examination.bases()
    )


def _lost_prefix(examination: Examination, observation: Observation) -> str:
    """Return what a proxy took off the front of the path: "/app" of /app/echo that arrived as /echo."""
    asked = examination.way.target.partition("?")[0]
    arrived = str(observation.raw.get("SCRIPT_NAME", "")) + str(observation.raw.get("PATH_INFO", ""))
    if arrived and arrived != asked and asked.endswith(arrived):
        return asked.removesuffix(arrived)
    return ""
