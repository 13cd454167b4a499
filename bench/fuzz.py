"""Fuzz the parser of the forwarded fields: a chain that writes its values, and a client that sends anything.

    python bench/fuzz.py [--minutes N | --requests N] [--against proxyfix]

Exit status 0: no exception, and never an address, scheme, host, port or prefix but the chain's or the
server's own. 1: a finding, shrunk by Hypothesis to its smallest form and printed. ``--against proxyfix``
fuzzes Werkzeug's ProxyFix in the parser's place: that it fails there shows that the fuzzer can find things.
"""

from __future__ import annotations

import argparse
import logging
import sys
from ipaddress import ip_address
from itertools import product
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from gunwale.runtime.forwarded import resolver
from gunwale.runtime.settings import Hops, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Resolve: TypeAlias = Callable[[Hops, dict[str, Any]], dict[str, Any]]

PROXY, STRANGER = "10.0.0.7", "198.51.100.1"
# A round is one run of Hypothesis, with a seed of its own: small enough to stop near the minute.
ROUND = 1000
KEYS = {name: f"HTTP_X_FORWARDED_{name.upper()}" for name in ("for", "proto", "host", "port", "prefix")}
# What means something to a parser of such fields, its neighbours, and what an attacker would put there.
WORDS = (
    *',";=:[]%\\/@ \t\0\x0b\x0c\x85\xa0',
    *("for=", "For=", "proto=", "host=", "by=", "6.6.6.6", "2001:db8::6", "::ffff:6.6.6.6", "fe80::6%eth0"),
    *("https", "http", "unknown", "_hidden", "evil.example", "//evil.example", "/..", "443", "99999", "-1"),
)
TEXT = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=12).map("".join),
    st.text(st.characters(codec="latin-1"), max_size=40),
)


class Own(NamedTuple):
    """A value that a proxy wrote: its *text*, and what the application is to have of it."""

    text: str
    means: str


class Case(NamedTuple):
    """What one chain and one client do: *wrote* are the chain's values by field, *sent* the client's."""

    hops: Hops
    wrote: dict[str, list[Own]]
    element: list[tuple[Own, Own, Own]]
    sent: dict[str, str]


class Way(NamedTuple):
    """How it arrives; *shorter*: a hop drops what the client sent, and so many of the chain's values."""

    shorter: int
    join: str
    peer: str


WAYS = tuple(Way(*each) for each in product((0, 1, 2), (",", ", ", " ,\t"), (PROXY, "", STRANGER)))


# The chain's own values: every decoration that a layer of the table writes, a few values of each.
OWN = {
    "for": (
        *(Own(each, each) for each in ("203.0.113.9", "10.1.0.4", "127.0.0.1", "2001:db8::9", "::1")),
        Own("203.0.113.9:5551", "203.0.113.9"),
        Own("::ffff:203.0.113.9", "203.0.113.9"),
        Own("[2001:db8::9]", "2001:db8::9"),
        Own("[2001:DB8::9]:65535", "2001:db8::9"),
        Own("fe80::9%eth0", "fe80::9"),
    ),
    "proto": (Own("http", "http"), Own("https", "https"), Own("HTTPS", "https")),
    "host": tuple(
        Own(each, each) for each in ("shop.example", "shop.example:8443", "[2001:db8::1]:443", "a")
    ),
    "prefix": (Own("/", ""), Own("/shop", "/shop"), Own("/a/b-c/", "/a/b-c")),
}
LISTS = {name: st.lists(st.sampled_from(own), max_size=4) for name, own in OWN.items()}
ELEMENTS = st.lists(
    st.tuples(*(st.sampled_from(OWN[name]) for name in ("for", "proto", "host"))), min_size=1, max_size=3
)
SENT = st.dictionaries(st.sampled_from((*OWN, "port", "forwarded", "ssl", "script")), TEXT, max_size=4)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a request: in each field as many values of the chain's as are counted, or more."""
    is_rfc7239 = draw(st.booleans())
    wrote = {} if is_rfc7239 else {name: draw(own) for name, own in LISTS.items()}
    element = draw(ELEMENTS) if is_rfc7239 else []
    counts = {f"x_{name}": draw(st.integers(0, len(own))) for name, own in wrote.items() if own}
    return Case(
        hops=Hops(**counts, forwarded=draw(st.integers(0, len(element))) if element else 0),
        wrote=wrote,
        element=element,
        sent=draw(SENT),
    )


def environ_of(case: Case, way: Way) -> dict[str, Any]:
    """Make the environ that a server would hand over."""
    lists = {name: [each.text for each in case.wrote.get(name, [])] for name in OWN}
    lists["forwarded"] = [
        f'for="{address.text}";proto={scheme.text};host="{host.text}"'
        for address, scheme, host in case.element
    ]
    fields = {}
    for name, own in lists.items():
        kept = own[way.shorter :] if way.shorter else [*filter(None, [case.sent.get(name)]), *own]
        if kept:
            fields[KEYS.get(name, "HTTP_FORWARDED")] = way.join.join(kept)
    for name, key in (
        ("port", KEYS["port"]),
        ("ssl", "HTTP_X_FORWARDED_SSL"),
        ("script", "HTTP_SCRIPT_NAME"),
    ):
        if name in case.sent:
            fields[key] = case.sent[name]
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "own.example",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": way.peer,
        "HTTP_HOST": "own.example",
        "wsgi.url_scheme": "http",
        **fields,
    }


def expected(case: Case, way: Way) -> dict[str, str]:
    """Return what the application is to have: the chain's values, or the server's where one is missing."""
    means = {"for": way.peer, "proto": "http", "host": "own.example", "prefix": ""}
    if way.peer != STRANGER:
        for name, own in case.wrote.items():
            count = getattr(case.hops, f"x_{name}")
            if 0 < count <= len(own[way.shorter :]):
                means[name] = own[-count].means
        if 0 < case.hops.forwarded <= len(case.element[way.shorter :]):
            address, scheme, host = case.element[-case.hops.forwarded]
            means |= {"for": address.means, "proto": scheme.means, "host": host.means}
    return means


def judge(resolve: Resolve, case: Case, way: Way) -> None:
    """Raise AssertionError where what comes out is not what the chain wrote."""
    environ = resolve(case.hops, environ_of(case, way))
    keys = {"for": "REMOTE_ADDR", "proto": "wsgi.url_scheme", "host": "HTTP_HOST", "prefix": "SCRIPT_NAME"}
    found = {name: environ[key] for name, key in keys.items()}
    wanted = expected(case, way)
    for means in (found, wanted):
        if means["for"]:
            means["for"] = str(ip_address(means["for"].partition("%")[0]))

    assert found == wanted


def by_gunwale(hops: Hops, environ: dict[str, Any]) -> dict[str, Any]:
    """Resolve as the runtime does, of peers in the default networks."""
    resolver(hops, Settings().networks)(environ)
    return environ


def by_proxyfix(hops: Hops, environ: dict[str, Any]) -> dict[str, Any]:
    """Resolve as Werkzeug's ProxyFix does, of the fields and the peers that it is made for."""
    # Other peers, another field and a prefix of "/" alone are beyond what it is made for.
    assume(environ["REMOTE_ADDR"] == PROXY and not hops.forwarded and not hops.x_prefix)
    ProxyFix(lambda *_: [], *hops[:5])(environ, lambda *_: lambda _: None)
    return environ


def fuzz(resolve: Resolve, seconds: float, most: int) -> int:
    """Judge until *seconds* or *most* requests are over; return their number, or raise the finding."""
    # A case is a request on each way that it may arrive by.
    count, rounds, end = 0, 0, monotonic() + seconds
    while count < most and monotonic() < end:

        @seed(rounds)
        @settings(
            max_examples=min(ROUND, most // len(WAYS) + 1),
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases())
        def one(case: Case) -> None:
            nonlocal count
            for way in WAYS:
                count += 1
                judge(resolve, case, way)

        one()
        rounds += 1
    return count


def main() -> None:
    """Fuzz, and say how much of it there was."""
    parser = argparse.ArgumentParser(description="Fuzz the parser of the forwarded fields.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--requests", type=int, default=sys.maxsize)
    parser.add_argument("--against", choices=("gunwale", "proxyfix"), default="gunwale")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    resolve = by_proxyfix if options.against == "proxyfix" else by_gunwale
    begun = monotonic()
    try:
        count = fuzz(resolve, options.minutes * 60, options.requests)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        print("finding:", type(error).__name__, error, *getattr(error, "__notes__", ()), sep="\n")
        sys.exit(1)
    print(f"{count} requests in {monotonic() - begun:.0f} s: no finding")


if __name__ == "__main__":
    main()
