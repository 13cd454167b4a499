"""The values of forwarded fields: each kind checked, and put into an environ where it belongs."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.runtime.settings import Network

_DEFAULT_PORTS = {"http": "80", "https": "443"}
# RFC 3986 §3.2.2, without user information, percent-encoding and zone ids; what Werkzeug routes by.
# No underscore: Werkzeug (since 3.1.7) and Django take such a Host for none at all.
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]{1,44}\])(?::([1-9][0-9]{0,4}))?")
# RFC 4007 §11: a zone follows a "%"; 15 characters are an interface's name (IFNAMSIZ).
_ZONE = r"%[A-Za-z0-9._~-]{1,15}"
_DECORATED = re.compile(rf"(?:\[([0-9A-Fa-f:.]+)({_ZONE})?\]|([0-9.]+))(?::[0-9]{{1,5}})?")
_WITH_ZONE = re.compile(rf"([0-9A-Fa-f:.]+)({_ZONE})")
# One slash at the front: "//evil" as SCRIPT_NAME would make url_for() point at another host.
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~-]+/?)*")
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2
# Distinct peers remembered; a proxy fleet is smaller, and an attacker must not make it grow.
_PEERS_KEPT = 1024


def address(environ: dict[str, Any], value: str) -> bool:
    """Take *value* as the client's address; ports, brackets and the zones of link-local addresses go.

    An IPv4 address that is mapped into IPv6 becomes what it is: one client has one address.
    """
    try:
        if ":" not in value:
            inet_pton(AF_INET, value)
        else:
            packed = inet_pton(AF_INET6, value)
            if packed.startswith(_MAPPED):
                value = inet_ntop(AF_INET, packed[12:])
    except (OSError, ValueError):
        bare = _undecorated(value)
        return bare is not None and address(environ, bare)
    environ["REMOTE_ADDR"] = value
    return True


def _undecorated(value: str) -> str | None:
    """Return *value* without port, brackets and zone, or None if it has none that can go."""
    match = _DECORATED.fullmatch(value)
    if match is not None:
        inside, zone, plain = match.groups()
        found, is_right = inside or plain, (":" in (inside or "")) is (plain is None)
    else:
        match = _WITH_ZONE.fullmatch(value)
        if match is None:
            return None
        (found, zone), is_right = match.groups(), True
    # Elsewhere than on a link a zone means nothing (RFC 4007 §4), so who wrote it meant something else.
    is_right = is_right and (not zone or found[:3].lower() in {"fe8", "fe9", "fea", "feb"})
    return found if is_right and found != value else None


def scheme(environ: dict[str, Any], value: str) -> bool:
    """Take *value* as the scheme of the client's request."""
    if value not in _DEFAULT_PORTS:
        value = value.lower()
        if value not in _DEFAULT_PORTS:
            return False
    environ["wsgi.url_scheme"] = value
    return True


def host(environ: dict[str, Any], value: str) -> bool:
    """Take *value* as the Host of the client's request, with its port."""
    match = _HOST.fullmatch(value)
    if match is None or (match[2] and int(match[2]) > 65535):
        return False
    environ["HTTP_HOST"] = value
    environ["SERVER_NAME"] = match[1]
    environ["SERVER_PORT"] = match[2] or _DEFAULT_PORTS.get(environ["wsgi.url_scheme"], "80")
    return True


def port(environ: dict[str, Any], value: str) -> bool:
    """Take *value* as the port that the client came to."""
    if not (value.isascii() and value.isdigit() and len(value) < 6 and 0 < int(value) < 65536):
        return False
    environ["SERVER_PORT"] = value
    match = _HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if match is not None:
        is_default = _DEFAULT_PORTS.get(environ["wsgi.url_scheme"]) == value
        environ["HTTP_HOST"] = match[1] if is_default else f"{match[1]}:{value}"
    return True


def prefix(environ: dict[str, Any], value: str) -> bool:
    """Take *value* as the path under which the application is mounted."""
    if _PREFIX.fullmatch(value) is None or "/../" in f"{value}/" or "/./" in f"{value}/":
        return False
    environ["SCRIPT_NAME"] = value.rstrip("/")
    return True


def peer_test(networks: tuple[Network, ...] | None) -> Callable[[str], bool]:
    """Return a function that tells whether a peer's address lies in *networks* (None: any does).

    A Unix socket has no address ("", or "localhost" from Waitress): who may open it is the file
    system's decision. Where the server speaks PROXY, the peer is whom the PROXY line names: the last
    proxy that knows HTTP, since the ones behind it have only passed bytes on.
    """
    return _Peers(networks).__getitem__


class _Peers(dict[str, bool]):
    """Verdicts on peers, each found out once: a lookup for all requests but a peer's first."""

    def __init__(self, networks: tuple[Network, ...] | None) -> None:
        super().__init__()
        self._networks = networks

    def __missing__(self, peer: str) -> bool:
        if len(self) >= _PEERS_KEPT:
            self.clear()
        verdict = self[peer] = _lies_in(peer, self._networks)
        return verdict


def _lies_in(peer: str, networks: tuple[Network, ...] | None) -> bool:
    if networks is None or peer in {"", "localhost"}:
        return True
    try:
        found = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
