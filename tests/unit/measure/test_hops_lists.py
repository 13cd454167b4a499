"""Lists of values, compared from the right: what counts as unchanged, and what never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunwale.measure.hops_lists import address_of, comparable, position, split, suffix


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("Shop.Example:8080", "shop.example:8080"),
        ('"192.0.2.7', '"192.0.2.7'),
    ],
)
def test_an_address_is_compared_without_what_proxies_decorate_it_with(written: str, compared: str) -> None:
    assert comparable(written) == compared


def test_quotes_mean_nothing_and_empty_elements_count() -> None:
    assert split('"6.6.6.6, 192.0.2.7') == ('"6.6.6.6', "192.0.2.7")
    assert split("a,,b,") == ("a", "", "b", "")
    assert split(None) == ()


@pytest.mark.parametrize(
    ("element", "address"),
    [
        ("for=192.0.2.7;proto=https", "192.0.2.7"),
        ('by=x;for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_an_element_of_forwarded_is_known_by_its_for(element: str, address: str) -> None:
    assert address_of(element) == address


def test_the_suffix_ends_at_the_first_value_that_changed() -> None:
    assert suffix(("x", "a", "b"), [("a", "b")], {"x"}) == 2
    assert suffix(("a", "x"), [("a", "b")], {"x"}) == 0
    assert suffix(("b",), [("a", "b")], ()) == 1
    assert suffix((), [("a",)], ()) == 0
    assert suffix(("a",), [], ()) == 0


def test_where_edges_rotate_another_of_the_same_range_counts_and_a_sent_one_does_not() -> None:
    edges = [("192.0.2.7", "10.0.0.1"), ("192.0.2.7", "10.0.0.2")]

    assert suffix(("192.0.2.7", "10.0.0.3"), edges, ()) == 2
    assert suffix(("192.0.2.7", "10.0.0.3"), edges, {"10.0.0.3"}) == 0
    assert suffix(("192.0.2.7", "8.8.8.8"), edges, ()) == 0
    assert suffix(("192.0.2.7", "10.0.0.3"), edges[:1], ()) == 0, "one edge does not rotate"


def test_every_place_of_the_wanted_value_is_told() -> None:
    assert position(("c", "e", "c"), "c") == {1, 3}
    assert position(("shop.example",), "shop.example:8080", ignores_port=True) == {1}
    assert position((), "c") == frozenset()


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_a_suffix_is_never_longer_than_what_both_lists_share(seen: list[str], base: list[str]) -> None:
    found = suffix(tuple(seen), [tuple(base)], ())

    assert seen[len(seen) - found :] == base[len(base) - found :]
    assert found == min(len(seen), len(base)) or seen[-found - 1] != base[-found - 1]
