"""Forwarded: the chain's own element, read strictly; whatever stands before it means nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import environ_of
from gunwale.runtime.forwarded import REFUSED, resolver
from gunwale.runtime.rfc7239 import element
from gunwale.runtime.settings import Hops, Settings

OWN = "for=203.0.113.9;host=shop.example;proto=https"


def resolved(value: str, count: int = 1, **environ: Any) -> dict[str, Any]:
    result = environ_of(HTTP_FORWARDED=value, **environ)
    resolver(Hops(forwarded=count), Settings().networks)(result)
    return result


@pytest.mark.parametrize(
    ("raw", "count", "expected"),
    [
        ("for=192.0.2.43", 1, {"for": "192.0.2.43"}),
        ("For=192.0.2.43;PROTO=https", 1, {"for": "192.0.2.43", "proto": "https"}),
        ('for="[2001:db8::1]:4711"', 1, {"for": "[2001:db8::1]:4711"}),
        ('for="a\\"b"', 1, {"for": 'a"b'}),
        ("for=6.6.6.6, for=192.0.2.43 ; by=10.0.0.1", 1, {"for": "192.0.2.43", "by": "10.0.0.1"}),
        ("for=192.0.2.43, for=10.0.0.1", 2, {"for": "192.0.2.43"}),
        # A client's open quote must not swallow what the proxy wrote behind it.
        ('for="6.6.6.6, for=192.0.2.43', 1, {"for": "192.0.2.43"}),
        ('for="6.6.6.6\\", for=192.0.2.43', 1, {"for": "192.0.2.43"}),
    ],
)
def test_an_element_is_found_from_the_right(raw: str, count: int, expected: dict[str, str]) -> None:
    assert element(raw, count) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "for",
        "for=",
        "for =192.0.2.43",
        "for=192.0.2.43;",
        "for=192.0.2.43;;proto=https",
        "for=192.0.2.43,",
        "for=[2001:db8::1]",
        'for="192.0.2.43',
        'for=192.0.2.43"',
        "for=192.0.2.43;for=6.6.6.6",
        pytest.param('for=192.0.2.43;host="a, for=6.6.6.6"', id="a quoted comma: the rest is not whole"),
        pytest.param(
            'for=192.0.2.43;host="a, for=6.6.6.6;x=y";proto=https', id="nor is it with more behind it"
        ),
        pytest.param(
            'for=192.0.2.43;host="a\\", for=6.6.6.6;x=\\"";proto=https', id="nor with escaped quotes"
        ),
        'for="a\0b"',
    ],
)
def test_what_is_not_whole_is_refused(raw: str) -> None:
    assert element(raw, 1) is None


def test_fewer_elements_than_the_count_are_refused() -> None:
    assert element(OWN, 2) is None


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_forged_elements_move_the_chains_own(forged: str) -> None:
    environ = resolved(f"{forged}, {OWN}")

    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == ("https", "shop.example")
    assert REFUSED not in environ


@given(st.text(st.characters(codec="latin-1"), max_size=60), st.integers(1, 3))
def test_whatever_is_sent_nothing_is_raised_and_the_address_is_one(value: str, count: int) -> None:
    from ipaddress import ip_address

    ip_address(resolved(value, count)["REMOTE_ADDR"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=203.0.113.9;proto=https", "203.0.113.9"),
        ('for="[2001:db8::1]";proto=https', "2001:db8::1"),
        ('for="203.0.113.9:4711";proto=https', "203.0.113.9"),
    ],
)
def test_ports_and_brackets_go(value: str, expected: str) -> None:
    environ = resolved(value, HTTP_HOST="own.example")

    assert environ["REMOTE_ADDR"] == expected
    # Host is kept by a proxy that says nothing of it.
    assert environ["HTTP_HOST"] == "own.example"
    assert REFUSED not in environ


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("for=unknown;proto=https", "Forwarded: for is not a valid value"),
        ("for=_hidden;proto=https", "Forwarded: for is not a valid value"),
        ("for=203.0.113.9", "Forwarded: no proto"),
        ("proto=https", "Forwarded: no for"),
        ("for=203.0.113.9;proto=javascript", "Forwarded: proto is not a valid value"),
        ('for=203.0.113.9;proto=https;host="a b"', "Forwarded: host is not a valid value"),
        ("", "Forwarded: no whole element at 1 from the right"),
    ],
)
def test_what_an_element_lacks_is_refused(value: str, reason: str) -> None:
    assert resolved(value)[REFUSED] == reason


def test_the_x_forwarded_fields_of_an_inner_hop_are_not_acted_on() -> None:
    environ = resolved(OWN, HTTP_X_FORWARDED_FOR="10.1.2.3", HTTP_X_FORWARDED_PROTO="http")

    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("203.0.113.9", "https")
