"""The declared chain: its items read and checked, and the hop counts it comes to."""

from __future__ import annotations

import dataclasses
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from gunwale import units
from gunwale.plan.fold import Count, fold, writes
from gunwale.plan.kinds import MisfitError
from gunwale.plan.layers import FIELDS, LAYERS, OPERATIONS, Layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COUNTED = ("for", "proto", "host", "port", "prefix")
FORWARDED = "forwarded"
ADDRESSES = ("for", "real_ip", FORWARDED)
_FLAGS = ("buffers", "keeps_host", "tls", "transparent")
_OTHER_KEYS = ("name", "idle_timeout", "response_timeout", "max_body", *_FLAGS)
_WRITTEN_OUT = '{name = "…", for = "append", proto = "overwrite"}'


def read_item(item: object) -> object:
    """Check one item of ``proxies.chain``: a known layer's name, or a table with its operations."""
    if isinstance(item, str):
        item = item.strip()
        _known(item)
        return item
    if not isinstance(item, dict):
        raise MisfitError(f"should be a layer's name or a table, not {item!r}")
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise MisfitError(f"a layer that is written out needs a name: {_WRITTEN_OUT}")
    operations = {key: value for key, value in item.items() if key in FIELDS}
    if not operations:
        _known(name)
    _check_keys(name, item)
    for key, value in operations.items():
        _check_operation(f"{name}.{key}", value)
    return {key: _option(f"{name}.{key}", key, value) for key, value in item.items()}


def _known(name: str) -> Layer:
    if name not in LAYERS:
        near = get_close_matches(name, LAYERS, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(LAYERS)};"
        raise MisfitError(f"no known layer {name!r}; {meant} or write it out: {_WRITTEN_OUT}")
    return LAYERS[name]


def _check_keys(name: str, item: Mapping[str, object]) -> None:
    allowed = (*FIELDS, *_OTHER_KEYS)
    for key in item:
        if key not in allowed:
            near = get_close_matches(key, allowed, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(allowed)}"
            raise MisfitError(f"{name}: no key {key!r}; {meant}")


def _check_operation(where: str, value: object) -> None:
    if value not in OPERATIONS:
        near = get_close_matches(str(value), OPERATIONS, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise MisfitError(f"{where} should be one of {', '.join(OPERATIONS)}, not {value!r}{meant}")


def _option(where: str, key: str, value: object) -> object:
    try:
        if key in ("idle_timeout", "response_timeout"):
            return units.seconds(value)
        if key == "max_body":
            return units.size(value)
    except ValueError as error:
        raise MisfitError(f"{where}: {error}: {value!r}") from error
    if key in _FLAGS and not isinstance(value, bool):
        raise MisfitError(f"{where} should be true or false, not {value!r}")
    return value


def layers(chain: Sequence[object]) -> tuple[Layer, ...]:
    """Turn the checked items of ``proxies.chain`` into layers; a table changes a known layer of its name."""
    return tuple(_layer(item) for item in chain)


def _layer(item: object) -> Layer:
    if not isinstance(item, dict):
        return LAYERS[str(item)]
    known = LAYERS.get(item["name"], Layer(name=item["name"], source="written out in the plan"))
    written = {key: value for key, value in item.items() if key in FIELDS}
    operations = {**known.operations, **written}
    options = {key: value for key, value in item.items() if key not in FIELDS}
    if "transparent" in options:
        options["is_transparent"] = options.pop("transparent")
    if "idle_timeout" in options and not known.operations:
        options.setdefault("response_timeout", options["idle_timeout"])
    changed = {
        "operations": operations,
        # A layer that writes X-Forwarded-Host does so because Host does not arrive as it came.
        "keeps_host": known.keeps_host and written.get("host", "pass") in ("pass", "drop"),
        "disputed": known.disputed if "unknown" in operations.values() else "",
        **options,
    }
    return dataclasses.replace(known, **changed)


def sees_client(chain: Sequence[Layer]) -> list[bool]:
    """Tell of each layer whether the client's address is that of its peer: all before it are transparent."""
    return [all(layer.is_transparent for layer in chain[:index]) for index in range(len(chain))]


def count(chain: Sequence[Layer], name: str) -> Count:
    """Fold *chain* for the field *name*."""
    sees = sees_client(chain) if name in ADDRESSES else None
    return fold([layer.operation(name) for layer in chain], sees)


class Removal(NamedTuple):
    """What a client takes away by naming a field in Connection: where, and what is known of the rest.

    *is_replaced*: another value then stands at the count, so that a parser cannot tell.
    """

    layer: Layer
    known: Count
    is_replaced: bool


def removal(chain: Sequence[Layer], name: str) -> Removal | None:
    """Return how a client can have the chain's own value of *name* removed; None: not as far as is known."""
    whole = count(chain, name)
    sees = sees_client(chain) if name in ADDRESSES else None
    operations = [layer.operation(name) for layer in chain]
    for index, layer in enumerate(chain if whole.hops else ()):
        for names, start in ((layer.removes, index), (layer.removes_own, index + 1)):
            is_written = any(writes(operation) for operation in operations[:start])
            if name in names and is_written:
                empty = Count(is_empty=True, is_written=True)
                left = fold(operations[start:], sees[start:] if sees else None, empty)
                if (left.trusted, left.position) != (whole.trusted, whole.position):
                    is_replaced = whole.hops <= left.trusted and left.position != whole.hops
                    return Removal(layer, left, is_replaced)
        if not (layer.passes_connection or layer.is_transparent):
            return None
    return None


def counts(chain: Sequence[Layer]) -> dict[str, int]:
    """Return the hop count of each counted field; "forwarded" is there only where Forwarded is to be read.

    RFC 7239's field is read where the client's address is in no X-Forwarded-For; it then tells of scheme
    and host as well, and the X-Forwarded- fields of a later layer would only tell of an inner hop.
    """
    found = {name: _hops(chain, name) for name in COUNTED}
    if not _restores_host(chain):
        found["host"] = 0
    if not found["host"]:
        # Host carries the port: a port is lost, and restored, only together with the name.
        found["port"] = 0
    forwarded = _hops(chain, FORWARDED)
    if forwarded and not found["for"]:
        found |= {"proto": 0, "host": 0, "port": 0, FORWARDED: forwarded}
    return found


def _hops(chain: Sequence[Layer], name: str) -> int:
    hops = count(chain, name).hops
    return hops if hops <= unforgeable(chain, name) else 0


def unforgeable(chain: Sequence[Layer], name: str) -> int:
    """Return how many values at the right end of *name* no client can choose, or move another one to."""
    whole, removed = count(chain, name), removal(chain, name)
    return whole.hops - 1 if removed and removed.is_replaced else whole.trusted


def _restores_host(chain: Sequence[Layer]) -> bool:
    """Whether X-Forwarded-Host holds the client's Host, and Host itself no longer does."""
    for layer in chain:
        is_written = writes(layer.operation("host"))
        if not layer.keeps_host:
            return is_written
        if is_written and any(not later.keeps_host for later in chain):
            return True
    return False


def hops(chain: Sequence[Layer], doors: Sequence[Sequence[Layer]] = ()) -> dict[str, int] | None:
    """Return the hop counts of *chain*, or None where no chain is declared.

    Where another declared way in, one of *doors*, comes to another count, there is no right one: 0.
    """
    if not chain:
        return None
    ways = [counts(way) for way in (chain, *doors)]
    names = (*COUNTED, *[FORWARDED] * any(FORWARDED in way for way in ways))
    agreed = {
        name: ways[0].get(name, 0) if len({way.get(name, 0) for way in ways}) == 1 else 0 for name in names
    }
    return {_key(name): number for name, number in agreed.items() if number or name in COUNTED}


def _key(name: str) -> str:
    return name if name == FORWARDED else f"x_{name}"


def request_id_field(chain: Sequence[Layer]) -> str | None:
    """Return the request id field that *chain* writes itself, where no client can choose its value."""
    return "X-Request-ID" if count(chain, "request_id").trusted else None
