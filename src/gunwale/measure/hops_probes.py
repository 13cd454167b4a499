"""The requests a prober sends: which lines, of which class of values, and what each is to show."""

from __future__ import annotations

from enum import StrEnum
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from gunwale.measure.hops_fields import COPIED, COUNTED, FIELDS, FORWARDED, OTHERS, OWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gunwale.measure.hops_fields import Field

Lines = tuple[tuple[str, str], ...]
# More than any proxy keeps, fewer bytes than any refuses.
_MANY = 25
COUNTED_AT_ONCE = "the counted fields at once"


class Aim(StrEnum):
    """What a request is to show."""

    BASE = "base"  # what arrives when the client sends nothing
    FORGE = "forge"  # how far to the right the client's own values come
    ALIAS = "alias"  # another spelling of the field's name
    REMOVE = "remove"  # whether the client can have the proxy's value taken away


class Probe(NamedTuple):
    """One request; *form* is its class of values and their arrangement, *field* "" when unforged."""

    aim: Aim
    field: str = ""
    form: str = ""
    lines: Lines = ()
    host: str | None = None
    is_fresh: bool = False


UNFORGED = Probe(Aim.BASE, is_fresh=True)


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _values(field: Field, base: Sequence[str], own: str) -> Mapping[str, Sequence[str]]:
    """Draw values of each class, afresh for each request of it."""
    drawn = {name: [make() for _ in range(_MANY)] for name, make in field.classes.items()}
    if base:
        drawn[COPIED] = list(islice(cycle(base), _MANY))
    if own:
        drawn[OWN] = [own] * _MANY
    return drawn


def forging(field: Field, base: Sequence[str], own: str, counts: Sequence[int] = (1, 3)) -> Iterator[Probe]:
    """Yield requests that forge *field*: each class alone, over two lines, mixed, and very many.

    *base* are the values of an unforged request, *own* is the right one.
    """
    name = _title(field.name)
    for count in counts:
        for form, values in _values(field, base, own).items():
            yield Probe(Aim.FORGE, field.name, form, ((name, ", ".join(values[:count])),))
    yield from _arranged(field, base, own)


def _arranged(field: Field, base: Sequence[str], own: str) -> Iterator[Probe]:
    name, drawn = _title(field.name), list(_values(field, base, own).values())
    first, second, third = drawn[0], drawn[1 % len(drawn)], drawn[2 % len(drawn)]
    for lines in (
        (first[0], ", ".join(first[1:3])),
        (", ".join(third[:2]), second[0]),
        (second[0], third[0]),
    ):
        yield Probe(Aim.FORGE, field.name, "two lines", tuple((name, line) for line in lines))
    mixed = [values[index] for index, values in enumerate(islice(cycle(drawn), 6))]
    yield Probe(Aim.FORGE, field.name, "mixed values", ((name, ", ".join(mixed)),))
    yield Probe(Aim.FORGE, field.name, "mixed values", ((name, ",".join(reversed(mixed))),))
    yield Probe(Aim.FORGE, field.name, "very many values", ((name, ", ".join(first)),))
    for text in (f'"{first[0]}', f'{first[0]}"', f'"{first[0]}\\'):
        yield Probe(Aim.FORGE, field.name, "an unclosed quote", ((name, text),))
    for text in ("", ",", f"{first[0]},", f", ,{first[0]}"):
        yield Probe(Aim.FORGE, field.name, "an empty element", ((name, text),))


def brief(field: Field, base: Sequence[str], own: str) -> Iterator[Probe]:
    """Yield the few requests that show what becomes of a field that nothing counts."""
    name = _title(field.name)
    for form, values in _values(field, base, own).items():
        yield Probe(Aim.FORGE, field.name, form, ((name, values[0]),))
    yield from list(aliases(field))[1:2]


def aliases(field: Field) -> Iterator[Probe]:
    """Yield other spellings that a server may turn into the same environ key."""
    make = next(iter(field.classes.values()))
    name = _title(field.name)
    spelled = [f"{name} "]
    if "-" in name:
        spelled += [name.replace("-", "_"), name.lower().replace("-", "_", 1), name.replace("-", ".")]
    for alias in spelled:
        yield Probe(Aim.ALIAS, field.name, alias, ((alias, make()),), is_fresh=alias.endswith(" "))
    if "-" in name:
        both = ((name, make()), (name.replace("-", "_"), make()))
        yield Probe(Aim.ALIAS, field.name, f"{name} and {name.replace('-', '_')}", both)


def removing(field: Field) -> Iterator[Probe]:
    """Yield requests that name *field* as one of this connection alone (RFC 9110 §7.6.1)."""
    name = _title(field.name)
    value = next(iter(field.classes.values()))
    for lines in (
        (("Connection", f"close, {name}"),),
        (("Connection", f"keep-alive, {name}"),),
        (("Connection", name.lower()), ("Connection", "close")),
        (("Connection", f"close, {name}"), (name, value())),
        (("Connection", f"TE, {name}"), ("TE", "trailers")),
        (("Keep-Alive", "timeout=5"), ("Connection", f"Keep-Alive, {name}")),
        (("Proxy-Connection", f"close, {name}"),),
    ):
        yield Probe(Aim.REMOVE, field.name, lines[0][1], lines, is_fresh=True)


def paths() -> Iterator[Probe]:
    """Yield fields that a server may take for the mount point itself (gunicorn's forwarder_headers)."""
    for name in ("SCRIPT_NAME", "Script-Name", "PATH_INFO"):
        yield Probe(Aim.ALIAS, "x-forwarded-prefix", name, ((name, "/gunwale-probe"),))


def together(fields: Mapping[str, Field], form: str) -> Iterator[Probe]:
    """Yield requests that forge all *fields* at once: one field may decide what becomes of another."""
    for turn in range(6):
        lines: list[tuple[str, str]] = []
        for name, field in fields.items():
            makes = list(field.classes.values())
            values = [makes[turn % len(makes)]() for _ in range(2)]
            lines += [(_title(name), value) for value in (values if turn % 2 else [", ".join(values)])]
        yield Probe(Aim.FORGE, "", form, tuple(lines))


def all_of(bases: Mapping[str, Sequence[str]], owns: Mapping[str, str]) -> Iterator[Probe]:
    """Yield the whole examination of one way in, of unforged values *bases* and right values *owns*."""
    for name, field in FIELDS.items():
        base, own = bases.get(name, ()), owns.get(name, "")
        counts = (1, 2, 3) if name in (COUNTED[0], FORWARDED) else (1, 3)
        yield from forging(field, base, own, counts)
        yield from aliases(field)
        yield from removing(field)
    for name, field in OTHERS.items():
        yield from brief(field, bases.get(name, ()), owns.get(name, ""))
    yield from paths()
    yield from together(FIELDS, COUNTED_AT_ONCE)
    yield from together({**FIELDS, **OTHERS}, "every known field at once")
