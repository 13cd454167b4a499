"""The forwarded fields: the chain's own values are taken, and nothing a client can write ever is."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import environ_of
from gunwale.runtime.forwarded import ORIGINAL, REFUSED, resolver
from gunwale.runtime.forwarded_values import peer_test
from gunwale.runtime.settings import Hops, Settings

PRIVATE = Settings().networks


def resolved(hops: Hops, **environ: Any) -> dict[str, Any]:
    result = environ_of(**environ)
    resolver(hops, PRIVATE)(result)
    return result


@pytest.mark.parametrize(
    ("value", "count", "expected"),
    [
        ("203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6,203.0.113.9,10.0.0.1", 2, "203.0.113.9"),
        ("203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("2001:db8::1", 1, "2001:db8::1"),
        # As Azure's gateways and ALBs with xff_client_port write it.
        ("203.0.113.9:5551", 1, "203.0.113.9"),
        ("[2001:db8::1]:5551", 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ("\t203.0.113.9 ", 1, "203.0.113.9"),
        # A client has one address, however its stack maps it into IPv6.
        ("::ffff:203.0.113.9", 1, "203.0.113.9"),
        ("::FFFF:CB00:7109", 1, "203.0.113.9"),
        ("[::ffff:203.0.113.9]:5551", 1, "203.0.113.9"),
        # The zone of a link-local address is the proxy's, not the client's.
        ("fe80::1%eth0", 1, "fe80::1"),
        ("[fe80::1%eth0]:5551", 1, "fe80::1"),
        # As Gunicorn and Granian join two lines, and as Waitress and uWSGI do.
        ("6.6.6.6,203.0.113.9", 1, "203.0.113.9"),
        ("6.6.6.6, 7.7.7.7, 203.0.113.9", 1, "203.0.113.9"),
        # A client's stray quote must not swallow what the proxy wrote.
        ('"6.6.6.6, 203.0.113.9', 1, "203.0.113.9"),
        ('"6.6.6.6\\", 203.0.113.9', 1, "203.0.113.9"),
        (",,, , 203.0.113.9", 1, "203.0.113.9"),
    ],
)
def test_the_address_is_the_one_at_the_count_from_the_right(value: str, count: int, expected: str) -> None:
    environ = resolved(Hops(x_for=count), HTTP_X_FORWARDED_FOR=value)

    assert environ["REMOTE_ADDR"] == expected
    assert REFUSED not in environ
    assert environ["HTTP_X_FORWARDED_FOR"] == value
    assert environ[ORIGINAL]["REMOTE_ADDR"] == "10.0.0.7"


@pytest.mark.parametrize(
    ("value", "count", "reason"),
    [
        ("203.0.113.9", 2, "X-Forwarded-For: 1 of 2 values"),
        ("", 1, "X-Forwarded-For: not a valid value"),
        ("203.0.113.9,", 1, "X-Forwarded-For: not a valid value"),
        ("unknown", 1, "X-Forwarded-For: not a valid value"),
        ("_hidden", 1, "X-Forwarded-For: not a valid value"),
        ("203.0.113.999", 1, "X-Forwarded-For: not a valid value"),
        ("203.0.113.09", 1, "X-Forwarded-For: not a valid value"),
        ("[203.0.113.9]:80", 1, "X-Forwarded-For: not a valid value"),
        ("2001:db8::1:", 1, "X-Forwarded-For: not a valid value"),
        ("2001:db8::1%eth0", 1, "X-Forwarded-For: not a valid value"),
        ("fe80::1%", 1, "X-Forwarded-For: not a valid value"),
        ('"203.0.113.9"', 1, "X-Forwarded-For: not a valid value"),
        ("203.0.113.9 6.6.6.6", 1, "X-Forwarded-For: not a valid value"),
        ("203.0.113.9:99999999", 1, "X-Forwarded-For: not a valid value"),
        ("203.0.113.9\0", 1, "X-Forwarded-For: not a valid value"),
    ],
)
def test_what_is_no_address_of_the_chain_leaves_the_peers_own(value: str, count: int, reason: str) -> None:
    environ = resolved(Hops(x_for=count), HTTP_X_FORWARDED_FOR=value)

    assert environ["REMOTE_ADDR"] == "10.0.0.7"
    assert environ[REFUSED] == reason


def test_where_the_server_keeps_the_last_line_only_a_longer_count_is_refused() -> None:
    # cheroot, behind a proxy that adds a line of its own behind the others.
    environ = resolved(Hops(x_for=2), HTTP_X_FORWARDED_FOR="10.0.0.3")

    assert environ["REMOTE_ADDR"] == "10.0.0.7"
    assert environ[REFUSED] == "X-Forwarded-For: 1 of 2 values"


def test_behind_a_proxy_line_the_peer_is_whom_it_names() -> None:
    # Gunicorn puts the PROXY line's client into REMOTE_ADDR: here the last proxy that knows HTTP.
    proxied: dict[str, Any] = {"PROXY_PROTOCOL": "TCP4", "PROXY_ADDR": "10.0.0.1"}

    environ = resolved(Hops(x_for=1), REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR="203.0.113.9", **proxied)
    assert environ["REMOTE_ADDR"] == "203.0.113.9"

    direct = resolved(Hops(x_for=1), REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="6.6.6.6", **proxied)
    assert direct["REMOTE_ADDR"] == "203.0.113.9"


def test_where_nothing_is_counted_no_peer_is_refused() -> None:
    # A layer 4 load balancer alone: every peer is a client, and nothing is wrong with that.
    environ = resolved(Hops(), REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="6.6.6.6")

    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert REFUSED not in environ


def test_a_missing_field_is_marked() -> None:
    assert resolved(Hops(x_for=1))[REFUSED] == "X-Forwarded-For: 0 of 1 values"


@given(st.text(st.characters(codec="latin-1"), max_size=40), st.integers(1, 3))
def test_no_forged_prefix_moves_the_chains_own_values(forged: str, count: int) -> None:
    own = ["203.0.113.9", "10.1.0.1", "10.2.0.1"][:count]

    environ = resolved(Hops(x_for=count), HTTP_X_FORWARDED_FOR=", ".join([forged, *own]))

    assert environ["REMOTE_ADDR"] == "203.0.113.9"


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_whatever_is_sent_the_address_stays_an_address(value: str) -> None:
    from ipaddress import ip_address

    environ = resolved(Hops(x_for=1), HTTP_X_FORWARDED_FOR=value)

    ip_address(environ["REMOTE_ADDR"])
    assert (environ["REMOTE_ADDR"] == "10.0.0.7") is (REFUSED in environ)


def test_a_peer_outside_the_networks_is_not_believed() -> None:
    environ = resolved(
        Hops(x_for=1, x_proto=1),
        REMOTE_ADDR="198.51.100.1",
        HTTP_X_FORWARDED_FOR="6.6.6.6",
        HTTP_X_FORWARDED_PROTO="https",
    )

    assert environ["REMOTE_ADDR"] == "198.51.100.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ[REFUSED] == "the peer is no declared proxy"


@pytest.mark.parametrize(
    ("peer", "is_proxy"),
    [
        ("10.0.0.7", True),
        ("::ffff:10.0.0.7", True),
        ("::1", True),
        ("fd00::1", True),
        ("198.51.100.1", False),
        ("::ffff:198.51.100.1", False),
        ("2001:db8::1", False),
        ("garbage", False),
        # A Unix socket: Gunicorn's and Waitress's way to say it.
        ("", True),
        ("localhost", True),
    ],
)
def test_private_peers_are_proxies_by_default(peer: str, is_proxy: bool) -> None:
    assert peer_test(PRIVATE)(peer) is is_proxy


def test_declared_networks_replace_the_private_ones() -> None:
    test = peer_test((ip_network("198.51.100.0/24"),))

    assert test("198.51.100.1")
    assert not test("10.0.0.7")


def test_any_peer_may_be_declared_a_proxy() -> None:
    assert peer_test(Settings.from_plan({"proxies.networks": ["any"]}).networks)("198.51.100.1")


def test_peers_are_not_remembered_without_limit() -> None:
    test = peer_test(PRIVATE)

    assert not any(test(f"198.51.{high}.{low}") for high in range(10) for low in range(256))
    assert test("10.0.0.7")


@pytest.mark.parametrize("value", ["https", "HTTPS", "http, https"])
def test_the_scheme_is_taken(value: str) -> None:
    assert resolved(Hops(x_proto=1), HTTP_X_FORWARDED_PROTO=value)["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("value", ["javascript", "", "https:", "https,"])
def test_a_scheme_that_is_none_is_refused(value: str) -> None:
    environ = resolved(Hops(x_proto=1), HTTP_X_FORWARDED_PROTO=value)

    assert environ["wsgi.url_scheme"] == "http"
    assert environ[REFUSED] == "X-Forwarded-Proto: not a valid value"


@pytest.mark.parametrize(
    ("value", "name", "port"),
    [
        ("shop.example", "shop.example", "443"),
        ("shop.example:8443", "shop.example", "8443"),
        ("[2001:db8::1]:8443", "[2001:db8::1]", "8443"),
        ("evil.example, shop.example", "shop.example", "443"),
    ],
)
def test_the_host_is_taken(value: str, name: str, port: str) -> None:
    environ = resolved(Hops(x_proto=1, x_host=1), HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST=value)

    assert environ["HTTP_HOST"] == value.rpartition(", ")[2]
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (name, port)


@pytest.mark.parametrize(
    "value",
    ["", "a b", "evil/@shop.example", "shop.example:0", "shop.example:99999", "[::1", "[]", "my_shop"],
)
def test_a_host_that_is_none_is_refused(value: str) -> None:
    environ = resolved(Hops(x_host=1), HTTP_HOST="own.example", HTTP_X_FORWARDED_HOST=value)

    assert environ["HTTP_HOST"] == "own.example"
    assert REFUSED in environ


@pytest.mark.parametrize(("value", "host"), [("8443", "own.example:8443"), ("443", "own.example")])
def test_the_port_is_taken(value: str, host: str) -> None:
    environ = resolved(
        Hops(x_proto=1, x_port=1),
        HTTP_HOST="own.example:80",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_X_FORWARDED_PORT=value,
    )

    assert (environ["HTTP_HOST"], environ["SERVER_PORT"]) == (host, value)


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80a", "٨٠", ""])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    environ = resolved(Hops(x_port=1), HTTP_X_FORWARDED_PORT=value)

    assert environ["SERVER_PORT"] == "80"
    assert REFUSED in environ


@pytest.mark.parametrize(("value", "expected"), [("/shop", "/shop"), ("/a/b/", "/a/b"), ("/", "")])
def test_the_prefix_is_taken(value: str, expected: str) -> None:
    assert resolved(Hops(x_prefix=1), HTTP_X_FORWARDED_PREFIX=value)["SCRIPT_NAME"] == expected


@pytest.mark.parametrize(
    "value", ["//evil.example", "shop", "", "/a/../b", "/a/..", "/a b", "/a//b", "/\\evil"]
)
def test_a_prefix_that_could_lead_elsewhere_is_refused(value: str) -> None:
    environ = resolved(Hops(x_prefix=1), HTTP_X_FORWARDED_PREFIX=value)

    assert environ["SCRIPT_NAME"] == ""
    assert REFUSED in environ


def test_a_field_no_proxy_of_the_chain_writes_is_never_acted_on() -> None:
    forged = {
        "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_X_FORWARDED_PORT": "1",
        "HTTP_X_FORWARDED_PREFIX": "/evil",
        "HTTP_X_REAL_IP": "6.6.6.6",
        "HTTP_FORWARDED": "for=6.6.6.6;proto=https;host=evil.example",
        "HTTP_X_FORWARDED_SSL": "on",
    }

    environ = resolved(Hops(x_for=1), **forged)

    plain = environ_of(**forged)
    changed = {key for key in plain if key != "wsgi.errors" and environ[key] != plain[key]}
    assert changed <= {"REMOTE_ADDR", "wsgi.input"}
    assert environ["REMOTE_ADDR"] == "203.0.113.9"


def test_one_refused_field_does_not_undo_another() -> None:
    # A client can make a later hop drop X-Forwarded-Proto (Connection: close, X-Forwarded-Proto).
    environ = resolved(Hops(x_for=1, x_proto=1), HTTP_X_FORWARDED_FOR="203.0.113.9")

    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert environ[REFUSED] == "X-Forwarded-Proto: 0 of 1 values"
