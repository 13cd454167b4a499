"""Asking one way in over raw sockets: every field of a request is ours, and every source address chosen."""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from gunwale.errors import ConfigurationError, Problem, StartError
from gunwale.measure import hops_http2
from gunwale.measure.hops_exchange import Http1

if TYPE_CHECKING:
    from gunwale.measure.hops_exchange import Answer, Connection, Lines

Seconds = float

_TIMEOUT: Seconds = 10.0
_SOURCE_TIMEOUT: Seconds = 2.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The whole of 127.0.0.0/8 is this machine on Linux; 127.0.0.1 is left to the proxies on it.
_LOOPBACK_SOURCES = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
_SOURCES_AT_MOST = 3


class Protocol(StrEnum):
    """What a way in speaks."""

    HTTP1 = "HTTP/1.1"
    HTTP2 = "HTTP/2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way in: a URL at one address of one family, over one protocol; *host* is the Host field."""

    url: str
    scheme: str
    name: str
    host: str
    port: int
    target: str
    family: socket.AddressFamily
    address: str
    protocol: Protocol = Protocol.HTTP1

    @property
    def label(self) -> str:
        """The way's name in reports."""
        family = "IPv6" if self.family is socket.AF_INET6 else "IPv4"
        also = f" and {self.protocol}" if self.protocol is Protocol.HTTP2 else ""
        return f"{self.url} over {family}{also}"

    @property
    def has_default_port(self) -> bool:
        """Whether the port is the one that its scheme means."""
        return _DEFAULT_PORTS[self.scheme] == self.port


def ways(url: str) -> tuple[Way, ...]:
    """Resolve *url* to one way for each address family; ConfigurationError or StartError."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        parts, name, port = urlsplit(""), "", None
    if parts.scheme not in _DEFAULT_PORTS or not name or parts.username is not None or not url.isprintable():
        message = f"should be http://HOST[:PORT]/PATH or https://…, not {url!r}"
        raise ConfigurationError(Problem(where="URL", message=message, hint="give the address of the echo"))
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"cannot resolve {name!r}: {error.strerror}"
        raise StartError(Problem(where=url, message=message, hint="is the name right?")) from error
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    by_family = {family: str(address[0]) for family, _, _, _, address in reversed(found)}
    return tuple(
        Way(
            url=url,
            scheme=parts.scheme,
            name=name,
            host=parts.netloc,
            port=port,
            target=path.replace(" ", "%20"),
            family=family,
            address=address,
        )
        for family, address in sorted(by_family.items())
    )


def _tls_context(protocol: Protocol, *, is_verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if protocol is Protocol.HTTP2:
        context.set_alpn_protocols([hops_http2.ALPN])
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Asker:
    """Asks one way; keeps one connection a source open between requests, as a client would."""

    def __init__(self, way: Way, *, is_verified: bool = True, timeout: Seconds = _TIMEOUT) -> None:
        self.way = way
        self._context = _tls_context(way.protocol, is_verified=is_verified)
        self._timeout = timeout
        self._kept: dict[str | None, Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()

    def connect(self, source: str | None, timeout: Seconds | None = None) -> socket.socket:
        """Connect from *source* (None: the kernel's choice); OSError when that fails."""
        sock = socket.socket(self.way.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout or self._timeout)
            if source is not None:
                sock.bind((source, 0))
            sock.connect((self.way.address, self.way.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.way.scheme == "https":
                return self._context.wrap_socket(sock, server_hostname=self.way.name)
        except BaseException:
            sock.close()
            raise
        return sock

    def ask(
        self,
        target: str,
        lines: Lines,
        *,
        source: str | None = None,
        host: str | None = None,
        is_fresh: bool = False,
    ) -> Answer:
        """Send GET *target* with *lines* after our own; OSError when no complete answer comes.

        A kept connection that breaks before the answer is complete is opened anew, once.
        """
        host = host or self.way.host
        kept = self._kept.pop(source, None)
        if kept is not None and is_fresh:
            kept.close()
            kept = None
        if kept is not None:
            with contextlib.suppress(OSError):
                return self._exchange(kept, target, host, lines, source)
        return self._exchange(self._open(source), target, host, lines, source)

    def _open(self, source: str | None) -> Connection:
        sock = self.connect(source)
        if self.way.protocol is Protocol.HTTP2:
            return hops_http2.Http2(sock, self.way.scheme)
        return Http1(sock)

    def _exchange(
        self, connection: Connection, target: str, host: str, lines: Lines, source: str | None
    ) -> Answer:
        try:
            answer = connection.ask(target, host, lines)
        except BaseException:
            connection.close()
            raise
        if connection.is_over:
            connection.close()
        else:
            self._kept[source] = connection
        return answer

    def sources(self) -> tuple[str | None, ...]:
        """Return the source addresses that reach this way, told apart by binding; at least one."""
        is_loopback = self.way.family is socket.AF_INET and ip_address(self.way.address).is_loopback
        wanted = _LOOPBACK_SOURCES if is_loopback else _own_addresses(self.way.family)
        found = [source for source in wanted if self._reaches(source)][:_SOURCES_AT_MOST]
        return tuple(found) if len(found) > 1 else (None,)

    def _reaches(self, source: str) -> bool:
        try:
            self.connect(source, _SOURCE_TIMEOUT).close()
        except OSError:
            return False
        return True

    def source_address(self, source: str | None) -> str:
        """Return the address a connection from *source* has on this machine."""
        with self.connect(source) as sock:
            return str(sock.getsockname()[0]).partition("%")[0]

    def offers_http2(self) -> bool:
        """Whether the front speaks HTTP/2, too: offered in the TLS handshake, or taken for granted without.

        RFC 9113 §3.2 and §3.3. Only the offer is read: the certificate is judged where requests go.
        """
        try:
            with socket.create_connection((self.way.address, self.way.port), self._timeout) as sock:
                if self.way.scheme == "http":
                    return hops_http2.answers(sock)
                context = _tls_context(Protocol.HTTP2, is_verified=False)
                context.set_alpn_protocols([hops_http2.ALPN, "http/1.1"])
                with context.wrap_socket(sock, server_hostname=self.way.name) as tls:
                    return tls.selected_alpn_protocol() == hops_http2.ALPN
        except OSError:
            return False


def _own_addresses(family: socket.AddressFamily) -> tuple[str, ...]:
    """Return this machine's own addresses beside loopback, as Linux lists them; elsewhere none."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        if family is socket.AF_INET6:
            lines = Path("/proc/net/if_inet6").read_text().splitlines()
            found += [str(ip_address(bytes.fromhex(line.split()[0]))) for line in lines]
        else:
            previous = ""
            for line in Path("/proc/net/fib_trie").read_text().splitlines():
                if "/32 host LOCAL" in line:
                    found.append(previous)
                previous = line.split()[-1]
    usable = (ip_address(each) for each in dict.fromkeys(found))
    return tuple(str(each) for each in usable if not each.is_loopback and not each.is_link_local)
