"""The fold against a forger that knows nothing of it: layers that act on real lists, and a client that
sends whatever it likes.

What every forgery leaves as it was is unforgeable; the wanted value is the client's own address.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunwale.plan.fold import fold
from gunwale.plan.layers import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT = "client"
KNOWN = [operation for operation in OPERATIONS if operation != "unknown"]
OVERWRITES = "DESIGN.md §4: a later overwrite loses the wanted value"
HIDES = "a layer that writes nothing hides the client from the next one"


class Hop(NamedTuple):
    operation: str
    is_transparent: bool = False


def received(chain: list[Hop], sent: list[str]) -> list[str]:
    """What arrives at the server when a client sends *sent*; layer n has the address "layer n"."""
    values, peer = list(sent), CLIENT
    layers = [f"layer {number}" for number in range(len(chain))]
    for hop, own in zip(chain, layers, strict=True):
        values = ACTS[hop.operation](At(values, peer, own, layers))
        if not hop.is_transparent:
            peer = own
    return values


def worked_out(at: At) -> str:
    """As real_ip_recursive does it: from the right, the first that is no proxy of ours."""
    if at.peer not in at.layers:
        return at.peer
    strangers = [value for value in at.values if value not in at.layers]
    return strangers[-1] if strangers else next(iter(at.values), at.peer)


class At(NamedTuple):
    """What a layer sees: the list, its peer's address, its own, and those of all layers."""

    values: list[str]
    peer: str
    own: str
    layers: list[str]


ACTS: dict[str, Callable[[At], list[str]]] = {
    "append": lambda at: [*at.values, at.peer],
    "append2": lambda at: [*at.values, at.peer, at.own],
    "overwrite": lambda at: [at.peer],
    "pass": lambda at: at.values,
    "drop": lambda _: [],
    "if-absent": lambda at: at.values or [at.peer],
    "last": lambda at: at.values[-1:] or [at.peer],
    "resolve": lambda at: [*at.values, worked_out(at)],
}


def forgeries(chain: list[Hop]) -> list[list[str]]:
    words = ["6.6.6.6", CLIENT, "layer 0", f"layer {len(chain) - 1}"]
    short = [list(sent) for length in (1, 2) for sent in itertools.product(words, repeat=length)]
    return [*short, ["6.6.6.6"] * 7, words, list(reversed(words)), [CLIENT] * 7]


def unforgeable(chain: list[Hop]) -> int:
    """Count the values at the right end that are the same whatever the client sends."""
    honest = received(chain, [])
    length = len(honest)
    for sent in forgeries(chain):
        got = received(chain, sent)
        same = itertools.takewhile(
            lambda pair: pair[0] == pair[1], zip(reversed(honest), reversed(got), strict=False)
        )
        length = min(length, sum(1 for _ in same))
    return length


def wanted_position(chain: list[Hop], safe: int) -> int:
    honest = received(chain, [])
    return next((place for place in range(1, safe + 1) if honest[-place] == CLIENT), 0)


def folded(chain: list[Hop]) -> int:
    sees = [all(hop.is_transparent for hop in chain[:number]) for number in range(len(chain))]
    return fold([hop.operation for hop in chain], sees).hops


def judge(chain: list[Hop]) -> None:
    hops, safe = folded(chain), unforgeable(chain)

    assert hops <= safe, chain
    assert hops == wanted_position(chain, safe), chain


HOPS = st.builds(Hop, st.sampled_from(KNOWN), st.integers(0, 3).map(lambda number: number == 0))


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(st.lists(HOPS, min_size=1, max_size=5))
def test_the_count_is_the_clients_place_and_no_forger_reaches_it(chain: list[Hop]) -> None:
    judge(chain)


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_every_short_chain_is_judged_rightly(length: int) -> None:
    for operations in itertools.product(KNOWN, repeat=length):
        judge([Hop(operation) for operation in operations])


@given(st.lists(st.sampled_from(OPERATIONS), max_size=4), st.lists(st.sampled_from(KNOWN), max_size=4))
def test_behind_something_unknown_no_number_is_given(before: list[str], behind: list[str]) -> None:
    assert fold([*before, "unknown", *behind]).hops == 0


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from([each for each in KNOWN if each != "resolve"]), min_size=1, max_size=5))
def test_no_client_chooses_a_trusted_value_that_every_layer_has_one_of(operations: list[str]) -> None:
    trusted = fold(operations).trusted

    assert trusted <= unforgeable([Hop(operation) for operation in operations])


@pytest.mark.parametrize(
    ("operations", "hops"),
    [
        ([], 0),
        (["append"], 1),
        (["append", "append"], 2),
        (["append2"], 2),
        (["append2", "append"], 3),
        (["overwrite"], 1),
        (["overwrite", "append"], 2),
        (["pass"], 0),
        (["append", "pass"], 1),
        (["append", "drop"], 0),
        (["append", "drop", "append"], 0),
        (["if-absent"], 0),
        (["append", "if-absent"], 1),
        (["last"], 0),
        (["overwrite", "last"], 1),
        (["append", "append", "last"], 0),
        (["resolve"], 1),
        (["append", "append", "resolve"], 1),
        (["append", "resolve", "append"], 2),
        (["if-absent", "resolve"], 0),
        (["overwrite", "drop", "if-absent"], 0),
        pytest.param(["append", "overwrite"], 0, id=OVERWRITES),
        pytest.param(["append", "overwrite", "append"], 0, id=f"{OVERWRITES} for good"),
        pytest.param(["pass", "append"], 0, id=HIDES),
        pytest.param(["drop", "append"], 0, id=f"{HIDES}, too, if it removes the field"),
    ],
)
def test_hop_count_of_an_address(operations: list[str], hops: int) -> None:
    assert folded([Hop(operation) for operation in operations]) == hops


@pytest.mark.parametrize(
    ("operations", "hops"),
    [
        (["pass", "overwrite"], 1),
        (["drop", "append"], 1),
        (["overwrite", "overwrite"], 0),
        (["drop", "if-absent"], 1),
        (["drop", "last"], 1),
        (["drop", "if-absent", "overwrite"], 0),
    ],
)
def test_a_scheme_counts_from_the_first_layer_that_writes_it(operations: list[str], hops: int) -> None:
    assert fold(operations).hops == hops


def test_a_transparent_layer_does_not_hide_the_client() -> None:
    assert folded([Hop("pass", is_transparent=True), Hop("append")]) == 1
