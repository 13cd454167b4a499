"""The fold told to people: each step of it, and what a chain's counts cannot give."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.plan import chain
from gunwale.plan.fold import Count, after, writes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gunwale.plan.layers import Layer

FIELD_NAMES = {
    "for": "X-Forwarded-For",
    "proto": "X-Forwarded-Proto",
    "host": "X-Forwarded-Host",
    "port": "X-Forwarded-Port",
    "prefix": "X-Forwarded-Prefix",
    "forwarded": "Forwarded",
}
_VALUES = {
    "for": "the address of {peer}",
    "proto": "the scheme of {peer} → {layer}",
    "host": "the Host that {peer} sent",
    "port": "the port that {peer} came to",
    "prefix": "its own prefix",
    "forwarded": "an element about {peer}",
}
MEASURE = "measure it: gunwale hops URL --apply, which writes proxies.hops"
_DIRECT = "a direct door"


class Doubt(NamedTuple):
    """Something about a chain, with what to do."""

    message: str
    hint: str


class Step(NamedTuple):
    """One layer's step of the fold on one field; *known* is the fold so far, *meaning* tells it in words."""

    layer: str
    operation: str
    known: Count
    meaning: str


def steps(layers: Sequence[Layer], name: str) -> list[Step]:
    """Fold *layers* on the field *name*, one step a layer."""
    found, known = [], Count()
    reaches = chain.sees_client(layers)
    for index, layer in enumerate(layers):
        operation, before = layer.operation(name), known
        is_wanted = reaches[index] if name in chain.ADDRESSES else not known.is_written
        known = after(known, operation, is_wanted=is_wanted)
        peer = "the client" if reaches[index] else layers[index - 1].name
        value = _VALUES[name].format(peer=peer, layer=layer.name)
        found.append(Step(layer.name, operation, known, _meaning(layer, operation, value, before, known)))
    return found


def _meaning(layer: Layer, operation: str, value: str, before: Count, known: Count) -> str:
    is_clients = not before.trusted
    meanings = {
        "unknown": f"not known: {layer.disputed or 'measure it'}",
        "drop": "removes it" + "; the wanted value is gone" * bool(before.position),
        "if-absent": f"writes {value}, as nothing is left of the field"
        if before.is_empty
        else "keeps what is there" + ": the client's own, if it sent one" * is_clients,
        "pass": "lets it through" + ": the client's own" * is_clients,
        "last": f"writes {value}, as nothing is left of the field"
        if before.is_empty
        else "keeps the last line only" + ": the client's own" * is_clients,
        "append": f"adds {value}",
        "append2": f"adds {value}, and its own",
        "overwrite": f"writes {value}"
        + " over it: the wanted value is gone" * bool(before.position and not known.position),
        "resolve": "adds the client as it worked it out"
        + " of a list that any client can write" * (not known.hops),
    }
    return meanings[operation]


def summary(layers: Sequence[Layer], name: str) -> str:
    """Tell the fold of one field on one line: "cloudflare append, alb append → 2 trusted, …"."""
    told = ", ".join(f"{layer.name} {layer.operation(name)}" for layer in layers)
    known, hops = chain.count(layers, name), chain.counts(layers).get(name, 0)
    position = f"wanted value at {known.position}" if known.position else "wanted value lost or never written"
    return f"{told} → {known.trusted} trusted, {position} → {hops}"


def not_needed(layers: Sequence[Layer], name: str) -> str:
    """Tell why a field that has the wanted value is not read all the same, or ""."""
    found = chain.counts(layers)
    if found.get(name) or not chain.count(layers, name).hops:
        return ""
    if chain.FORWARDED in found:
        return "Forwarded is read instead"
    return "Host arrives as the client sent it" if name == "host" else "Host carries the port"


def why(layers: Sequence[Layer], doors: Sequence[Sequence[Layer]]) -> str:
    """Tell on one line where the hop counts come from."""
    if not layers:
        return "no chain is declared"
    names = [
        name for name in ("for", "proto", "forwarded") if name != "forwarded" or name in chain.counts(layers)
    ]
    told = [f"{_key(name)}: {summary(layers, name)}" for name in names]
    return "; ".join([*told, f"where {len(doors) + 1} ways in agree"] if doors else told)


def _key(name: str) -> str:
    return name if name == chain.FORWARDED else f"x_{name}"


def doubts(
    layers: Sequence[Layer],
    doors: Sequence[Sequence[Layer]] = (),
    given: Mapping[str, int] | None = None,
) -> list[Doubt]:
    """Return what the counts cannot give; *given* are measured counts, which settle what is only unknown."""
    if not layers:
        return []
    found: list[Doubt] = []
    if given is None:
        disputed = {layer.name: layer.disputed for way in (layers, *doors) for layer in way if layer.disputed}
        found += [Doubt(f"{name}: {reason}", MEASURE) for name, reason in disputed.items()]
        found += _conflicts(layers, doors)
    found += _removed(layers)
    found += _lost_address(layers)
    found += _lost_scheme(layers)
    found += _lost_host(layers)
    return found


def unforgeable(layers: Sequence[Layer], doors: Sequence[Sequence[Layer]], key: str) -> int | None:
    """Return how many values of a count's field no client can forge on any way in; None: not known."""
    name = key.removeprefix("x_")
    ways = (layers, *doors)
    if any(layer.operation(name) == "unknown" for way in ways for layer in way):
        return None
    return min(chain.unforgeable(way, name) for way in ways)


def passing_aliases(layers: Sequence[Layer]) -> str:
    """Name the chain, "haproxy → apache", if X_Forwarded_For comes through the whole of it; else ""."""
    is_passed = bool(layers) and all(layer.drops_underscores is False for layer in layers)
    return _path(layers) if is_passed else ""


def _conflicts(layers: Sequence[Layer], doors: Sequence[Sequence[Layer]]) -> Iterator[Doubt]:
    main = chain.counts(layers)
    for name in (*chain.COUNTED, chain.FORWARDED):
        for door in doors:
            here, there = main.get(name, 0), chain.counts(door).get(name, 0)
            if here == there:
                continue
            ways = f"{here} through {_path(layers)}, {there} through {_path(door)}"
            message = f"{_key(name)} is {ways}: 0 is taken"
            yield Doubt(
                message, "close that door, or give it a server of its own: no one count is safe on both"
            )
            break


def _path(layers: Sequence[Layer]) -> str:
    return " → ".join(layer.name for layer in layers) or _DIRECT


def _removed(layers: Sequence[Layer]) -> Iterator[Doubt]:
    """Tell of what a client can have removed by naming it in Connection (RFC 9110 §7.6.1)."""
    found = chain.counts(layers)
    for name, field in FIELD_NAMES.items():
        removal = chain.removal(layers, name)
        if removal is None or not (removal.is_replaced or found.get(name)):
            continue
        message = f"a client can have {field} removed at {removal.layer.name}, by naming it in Connection"
        message += ", and another value takes its place: 0 is taken" if removal.is_replaced else ""
        edge = next(layer for layer in layers if not layer.is_transparent)
        hint = f"have {edge.name} drop the field Connection that clients send"
        yield Doubt(message, f"{hint}: {edge.connection_off}" if edge.connection_off else hint)


def _is_replaced(layers: Sequence[Layer], name: str) -> bool:
    removal = chain.removal(layers, name)
    return removal is not None and removal.is_replaced


def _lost_address(layers: Sequence[Layer]) -> Iterator[Doubt]:
    found = chain.counts(layers)
    told = steps(layers, "for")
    if _is_replaced(layers, "for"):
        return
    if found["for"] or found.get(chain.FORWARDED) or all(layer.is_transparent for layer in layers):
        return
    if any(step.operation == "unknown" for step in told):
        return
    hint = "remote_addr stays that of the last proxy; see --explain proxies"
    last = next((step for step in reversed(told) if writes(step.operation)), None)
    if any(step.operation == "if-absent" and not step.known.trusted for step in told) and last is None:
        yield Doubt(
            "X-Forwarded-For is written only where the client sent none: any client can choose it", hint
        )
    elif last is None:
        through = told[0].layer
        yield Doubt(f"X-Forwarded-For is written by no layer: {through} lets the client's own through", hint)
    elif last.operation == "resolve":
        yield Doubt(f"{last.layer} works the client out of a list that any client can write", hint)
    else:
        culprit = next((step for step in told if writes(step.operation) and not step.known.position), last)
        yield Doubt(f"the client's address is lost at {culprit.layer}, which {culprit.meaning}", hint)


def _lost_scheme(layers: Sequence[Layer]) -> Iterator[Doubt]:
    found = chain.counts(layers)
    told = steps(layers, "proto")
    if found.get(chain.FORWARDED) or any(step.operation == "unknown" for step in told):
        return
    if _is_replaced(layers, "proto"):
        return
    writer = next((index for index, step in enumerate(told) if step.known.is_written), None)
    hint = "let the client's first layer write X-Forwarded-Proto, and the later ones pass it on"
    if writer is None:
        through = next((step for step in told if step.operation in {"pass", "if-absent"}), told[0])
        message = f"X-Forwarded-Proto is written by no layer: {through.layer} {through.meaning}"
        yield Doubt(message, hint)
    elif not found["proto"]:
        culprit = next((step for step in told[writer + 1 :] if step.known.hops == 0), told[writer])
        yield Doubt(f"the client's scheme is lost at {culprit.layer}, which {culprit.meaning}", hint)
    elif hop := inner_scheme(layers):
        yield Doubt(f"X-Forwarded-Proto is the scheme of the hop {hop}, not of the client", hint)


def inner_scheme(layers: Sequence[Layer]) -> str:
    """Return the hop, "cloudfront → alb", whose scheme X-Forwarded-Proto tells; "" if it is the client's."""
    edge = next((index for index, layer in enumerate(layers) if not layer.is_transparent), len(layers))
    writer = next((index for index, step in enumerate(steps(layers, "proto")) if step.known.is_written), edge)
    return f"{layers[writer - 1].name} → {layers[writer].name}" if writer > edge else ""


def _lost_host(layers: Sequence[Layer]) -> Iterator[Doubt]:
    found = chain.counts(layers)
    culprit = next((layer for layer in layers if not layer.keeps_host), None)
    if culprit is None or found["host"] or found.get(chain.FORWARDED):
        return
    message = f"{culprit.name} replaces Host, and no field has the client's"
    yield Doubt(
        message, f"have {culprit.name} pass Host on, or every URL that the application makes is wrong"
    )
