"""The fold from the declared chain to the hop counts: which value, from the right, no client can forge."""

from __future__ import annotations

import dataclasses
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from gunwale import units
from gunwale.plan.kinds import MisfitError
from gunwale.plan.layers import FIELDS, LAYERS, OPERATIONS, Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COUNTED = ("for", "proto", "host", "port", "prefix")
_OTHER_KEYS = ("name", "idle_timeout", "response_timeout", "max_body", "buffers", "keeps_host", "tls")
_APPENDED = {"append": 1, "append2": 2}
_WRITTEN_OUT = '{name = "…", for = "append", proto = "overwrite"}'


class Count(NamedTuple):
    """The result of one fold.

    *trusted* values at the right end cannot be influenced by a client; the wanted one stands at
    *position* from the right (0: no layer wrote it, or a later one destroyed it); *hops* is the count.
    """

    hops: int
    trusted: int
    position: int


def fold(operations: Iterable[str]) -> Count:
    """Fold the *operations* of a chain on one field, client's side first (DESIGN.md §4).

    The position starts at the first layer that writes, moves on with each append, and is lost at a
    later overwrite; append2 writes the wanted value first and its own address behind it.
    """
    trusted, position, is_lost = 0, 0, False
    for operation in operations:
        trusted = _trusted_after(operation, trusted)
        if operation == "overwrite":
            is_lost, position = is_lost or position > 0, position or 1
        position += _APPENDED.get(operation, 0)
    if is_lost:
        position = 0
    return Count(hops=position if 1 <= position <= trusted else 0, trusted=trusted, position=position)


def _trusted_after(operation: str, trusted: int) -> int:
    match operation:
        case "append" | "append2":
            return trusted + _APPENDED[operation]
        case "overwrite":
            return 1
        case "drop":
            return 0
        case "last":
            return min(trusted, 1)
        case _:  # pass; if-absent writes only where the client is silent, so it adds no trust
            return trusted


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
    if key in ("buffers", "keeps_host", "tls") and not isinstance(value, bool):
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
    # A layer that writes X-Forwarded-Host does so because Host does not arrive as it came.
    keeps_host = known.keeps_host and written.get("host", "pass") in ("pass", "drop")
    options = {key: value for key, value in item.items() if key not in FIELDS}
    if "idle_timeout" in options and not known.operations:
        options.setdefault("response_timeout", options["idle_timeout"])
    changed = {
        "operations": {**known.operations, **written},
        "keeps_host": keeps_host,
        "disputed": "" if written else known.disputed,
        **options,
    }
    return dataclasses.replace(known, **changed)


def counts(chain: Sequence[Layer]) -> dict[str, Count]:
    """Fold *chain* for every counted field."""
    found = {name: fold(layer.operation(name) for layer in chain) for name in COUNTED}
    if not _restores_host(chain):
        found["host"] = found["host"]._replace(hops=0)
    if not found["host"].hops:
        # Host carries the port: a port is lost, and restored, only together with the name.
        found["port"] = found["port"]._replace(hops=0)
    return found


def _restores_host(chain: Sequence[Layer]) -> bool:
    """Whether X-Forwarded-Host holds the client's Host, and Host itself no longer does."""
    for layer in chain:
        is_written = layer.operation("host") in ("append", "append2", "overwrite")
        if not layer.keeps_host:
            return is_written
        if is_written and any(not later.keeps_host for later in chain):
            return True
    return False


def hops(chain: Sequence[Layer]) -> dict[str, int] | None:
    """Return the hop counts of *chain*, or None where no chain is declared."""
    if not chain:
        return None
    return {f"x_{name}": count.hops for name, count in counts(chain).items()}


def request_id_field(chain: Sequence[Layer]) -> str | None:
    """Return the request id field that *chain* writes itself, where no client can choose its value."""
    trusted = fold(layer.operation("request_id") for layer in chain).trusted
    return "X-Request-ID" if trusted else None


def story(chain: Sequence[Layer], name: str) -> str:
    """Tell the fold of one field, layer by layer: "cloudflare append, alb append → trusted 2, …"."""
    steps = ", ".join(f"{layer.name} {layer.operation(name)}" for layer in chain)
    count = counts(chain)[name]
    position = f"wanted value at {count.position}" if count.position else "wanted value lost or never written"
    return f"{steps} → {count.trusted} trusted, {position} → {count.hops}"


def doubts(chain: Sequence[Layer]) -> list[tuple[str, str]]:
    """Return what the counts cannot give, as (message, hint)."""
    found = [
        (f"{layer.name}: {layer.disputed}", "measure it: gunwale hops URL")
        for layer in chain
        if layer.disputed
    ]
    for name in ("for", "proto"):
        operations = [layer.operation(name) for layer in chain]
        count = fold(operations)
        if count.hops or not chain:
            continue
        if "if-absent" in operations and not count.trusted:
            reason = "is written only where the client sent none, so any client can choose it"
        elif "overwrite" in operations or count.trusted:
            reason = "is overwritten or cut on the way: the last value tells of a layer, not of the client"
        else:
            reason = "is written by no layer of the chain"
        found.append(
            (
                f"X-Forwarded-{name.title()} {reason}",
                "the peer's own value stands; see --explain proxies.hops",
            )
        )
    return found
