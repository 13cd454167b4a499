"""The X-Forwarded- fields, read from the right by the declared chain's counts, failing closed.

Not Werkzeug's ProxyFix: since 3.1.7 an unclosed quote from a client empties its whole list, and then
every client has the proxy's address; before, the client chose the text. Here quotes mean nothing.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.runtime.settings import Hops, Network

ORIGINAL = "gunwale.forwarded.original"
REFUSED = "gunwale.forwarded.refused"

_ORIGINAL_KEYS = (
    "REMOTE_ADDR",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "SERVER_NAME",
    "SERVER_PORT",
    "SCRIPT_NAME",
)
_SCHEMES = frozenset({"http", "https"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
# RFC 3986 §3.2.2, without user information, percent-encoding and zone ids; what Werkzeug routes by.
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_ADDRESS_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?")
# One slash at the front: "//evil" as SCRIPT_NAME would make url_for() point at another host.
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~-]+/?)*")
# Distinct peers remembered; a proxy fleet is smaller, and an attacker must not make it grow.
_PEERS_KEPT = 1024


def resolver(hops: Hops, networks: tuple[Network, ...] | None) -> Callable[[dict[str, Any]], bool]:
    """Return a function that puts the client's own values into an environ.

    It returns whether the peer may speak for its clients at all. What is refused (too few values, not a
    value of its kind, a peer outside *networks*) leaves the server's own value, and its reason in
    ``environ["gunwale.forwarded.refused"]``.
    """
    is_proxy = peer_test(networks)
    steps = [
        (f"HTTP_X_FORWARDED_{name}", count, apply)
        for name, count, apply in (
            ("FOR", hops.x_for, _address),
            ("PROTO", hops.x_proto, _scheme),
            ("HOST", hops.x_host, _host),
            ("PORT", hops.x_port, _port),
            ("PREFIX", hops.x_prefix, _prefix),
        )
        if count
    ]

    def resolve(environ: dict[str, Any]) -> bool:
        if not is_proxy(environ.get("REMOTE_ADDR", "")):
            environ[REFUSED] = "the peer is no declared proxy"
            return False
        if steps:
            environ[ORIGINAL] = {key: environ.get(key) for key in _ORIGINAL_KEYS}
        for key, count, apply in steps:
            raw = environ.get(key)
            if raw is None:
                _refuse(environ, key, f"0 of {count} values")
                continue
            values = raw.rsplit(",", count)
            if len(values) < count:
                _refuse(environ, key, f"{len(values)} of {count} values")
            elif not apply(environ, values[-count].strip(" \t")):
                _refuse(environ, key, "not a valid value")
        return True

    return resolve


def peer_test(networks: tuple[Network, ...] | None) -> Callable[[str], bool]:
    """Return a function that tells whether a peer's address lies in *networks* (None: any does).

    A Unix socket has no address ("", or "localhost" from Waitress): who may open it is the file
    system's decision.
    """
    known: dict[str, bool] = {}

    def is_proxy(peer: str) -> bool:
        verdict = known.get(peer)
        if verdict is None:
            if len(known) >= _PEERS_KEPT:
                known.clear()
            verdict = known[peer] = _lies_in(peer, networks)
        return verdict

    return is_proxy


def _lies_in(peer: str, networks: tuple[Network, ...] | None) -> bool:
    if networks is None or peer in {"", "localhost"}:
        return True
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _refuse(environ: dict[str, Any], key: str, reason: str) -> None:
    # Never the value itself: it is the client's text.
    field = key.removeprefix("HTTP_").replace("_", "-").title()
    earlier = environ.get(REFUSED)
    environ[REFUSED] = f"{earlier}; {field}: {reason}" if earlier else f"{field}: {reason}"


def _is_address(value: str) -> bool:
    try:
        inet_pton(AF_INET6 if ":" in value else AF_INET, value)
    except (OSError, ValueError):
        return False
    return True


def _address(environ: dict[str, Any], value: str) -> bool:
    if not _is_address(value):
        match = _ADDRESS_WITH_PORT.fullmatch(value)
        if match is None:
            return False
        value = match[1] or match[2]
        if (":" in value) is (match[1] is None) or not _is_address(value):
            return False
    environ["REMOTE_ADDR"] = value
    return True


def _scheme(environ: dict[str, Any], value: str) -> bool:
    value = value.lower()
    if value not in _SCHEMES:
        return False
    environ["wsgi.url_scheme"] = value
    return True


def _host(environ: dict[str, Any], value: str) -> bool:
    match = _HOST.fullmatch(value)
    if match is None or (match[2] and not 0 < int(match[2]) < 65536):
        return False
    environ["HTTP_HOST"] = value
    environ["SERVER_NAME"] = match[1]
    environ["SERVER_PORT"] = match[2] or _DEFAULT_PORTS.get(environ["wsgi.url_scheme"], "80")
    return True


def _port(environ: dict[str, Any], value: str) -> bool:
    if not (value.isascii() and value.isdigit() and len(value) < 6 and 0 < int(value) < 65536):
        return False
    environ["SERVER_PORT"] = value
    host = _HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if host is not None:
        is_default = _DEFAULT_PORTS.get(environ["wsgi.url_scheme"]) == value
        environ["HTTP_HOST"] = host[1] if is_default else f"{host[1]}:{value}"
    return True


def _prefix(environ: dict[str, Any], value: str) -> bool:
    if _PREFIX.fullmatch(value) is None or "/../" in f"{value}/" or "/./" in f"{value}/":
        return False
    environ["SCRIPT_NAME"] = value.rstrip("/")
    return True
