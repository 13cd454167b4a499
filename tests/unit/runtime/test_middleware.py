"""The drop-in for ProxyFix, with ProxyFix as the oracle wherever that one is safe."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
from flask import Flask, request, url_for
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Request

from gateway import ask, environ_of
from gunwale.runtime.forwarded import REFUSED
from gunwale.runtime.middleware import Forwarded

COUNTS = ("x_for", "x_proto", "x_host", "x_port", "x_prefix")
# What proxies write: whole lists, values of their kind, an address in one spelling, without its port.
V6 = st.ip_addresses(v=6).map(str).filter(lambda text: not text.startswith("::ffff:"))
ADDRESSES = st.one_of(st.ip_addresses(v=4).map(str), V6)
NAMES = st.from_regex(r"[a-z0-9]{1,12}(\.[a-z]{2,5}){0,2}", fullmatch=True)
PORTS = st.integers(1, 65535).map(str)
HOSTS = st.one_of(
    NAMES, st.builds("{}:{}".format, NAMES, PORTS), st.just("[2001:db8::1]"), st.just("[2001:db8::1]:8443")
)
PREFIXES = st.from_regex(r"(/[a-z0-9._~-]{1,8}){1,3}", fullmatch=True).filter(lambda each: "/." not in each)
VALUES = {
    "FOR": ADDRESSES,
    "PROTO": st.sampled_from(["http", "https"]),
    "HOST": HOSTS,
    "PORT": PORTS,
    "PREFIX": PREFIXES,
}
JOINTS = st.sampled_from([",", ", ", " , ", ",\t"])  # as servers join lines, and proxies values


@st.composite
def well_formed(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, str]]:
    """Counts, and lists that are long enough for them: what a chain writes behind what a client sent."""
    counts, fields = {}, {}
    for name, values in VALUES.items():
        count = draw(st.integers(0, 3))
        counts[f"x_{name.lower()}"] = count
        length = draw(st.integers(count, count + 2))
        if length:
            fields[f"HTTP_X_FORWARDED_{name}"] = draw(JOINTS).join(draw(values) for _ in range(length))
    return counts, fields


def view(environ: dict[str, Any]) -> dict[str, object]:
    """What the application gets to see of an environ."""
    seen = Request(environ)
    return {
        "remote_addr": seen.remote_addr,
        "scheme": seen.scheme,
        "is_secure": seen.is_secure,
        "host": seen.host,
        "url_root": seen.url_root,
        "script_root": seen.root_path,
    }


def caught(middleware: Any, counts: dict[str, int], environ: dict[str, Any]) -> dict[str, Any]:
    """Return what the application behind *middleware* is given."""
    passed: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], _start_response: object) -> list[bytes]:
        passed.append(environ)
        return []

    middleware(application, **counts)(environ, None)
    return passed[0]


@settings(max_examples=500, deadline=None)
@given(well_formed())
def test_where_proxyfix_is_safe_the_result_is_the_same(case: tuple[dict[str, int], dict[str, Any]]) -> None:
    counts, fields = case

    ours = caught(Forwarded, counts, environ_of(HTTP_HOST="own.example", **fields))
    theirs = caught(ProxyFix, counts, environ_of(HTTP_HOST="own.example", **fields))

    assert REFUSED not in ours
    assert view(ours) == view(theirs)


NOISE = st.text(st.characters(codec="latin-1"), max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries({}, optional={f"HTTP_X_FORWARDED_{name}": NOISE for name in VALUES}),
    st.fixed_dictionaries({name: st.integers(0, 2) for name in COUNTS}),
)
def test_whatever_is_sent_the_application_sees_something_sound(
    fields: dict[str, Any], counts: dict[str, int]
) -> None:
    from ipaddress import ip_address

    environ = caught(Forwarded, counts, environ_of(HTTP_HOST="own.example", **fields))

    ip_address(environ["REMOTE_ADDR"])
    assert environ["wsgi.url_scheme"] in {"http", "https"}
    assert Request(environ).host
    assert not environ["SCRIPT_NAME"].startswith("//")


@pytest.mark.parametrize(
    ("peer", "networks", "expected"),
    [
        ("10.0.0.7", None, "203.0.113.9"),
        ("198.51.100.1", None, "198.51.100.1"),
        ("198.51.100.1", ["198.51.100.0/24"], "203.0.113.9"),
        ("10.0.0.7", ["198.51.100.0/24"], "10.0.0.7"),
        ("198.51.100.1", "any", "203.0.113.9"),
        ("::ffff:10.0.0.7", None, "203.0.113.9"),
        ("fe80::1%eth0", ["fe80::/10"], "203.0.113.9"),
        ("", ["198.51.100.0/24"], "203.0.113.9"),
    ],
)
def test_only_peers_of_the_networks_are_believed(peer: str, networks: Any, expected: str) -> None:
    given = environ_of(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="203.0.113.9")

    environ = caught(partial(Forwarded, networks=networks), {"x_proto": 0}, given)

    assert environ["REMOTE_ADDR"] == expected


def test_networks_that_are_none_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        Forwarded(lambda *_: [], networks=["10.0.0.0/8", "office"])


def test_a_refusal_is_said_once_in_the_log_and_never_with_the_clients_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Forwarded(lambda *_: [], x_for=2, x_proto=0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            app(environ_of(HTTP_X_FORWARDED_FOR="l33t"), lambda *_: lambda _: None)

    assert [record.getMessage() for record in caplog.records] == [
        "forwarded fields refused: X-Forwarded-For: 1 of 2 values; the server's own value stands (said once)"
    ]


def test_flask_builds_its_urls_for_the_client() -> None:
    app = Flask("shop")

    @app.get("/orders")
    def orders() -> str:
        return f"{request.remote_addr} {request.is_secure} {url_for('orders', _external=True)}"

    app.wsgi_app = Forwarded(app.wsgi_app, x_host=1, x_prefix=1)  # type: ignore[method-assign]

    answer = ask(
        app,
        "/orders",
        HTTP_HOST="backend:8000",
        HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_X_FORWARDED_HOST="shop.example",
        HTTP_X_FORWARDED_PREFIX="/eu",
    )
    assert answer.body == b"203.0.113.9 True https://shop.example/eu/orders"
