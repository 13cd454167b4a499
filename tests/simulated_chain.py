"""Proxies that are nothing but an operation on each field, several in a row, and an echo behind them.

One socket server plays them all: the layers' arithmetic is done in order, and the echo answers what the
last of them would have handed to a WSGI server that joins repeated lines as Gunicorn does.
"""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from http2_server import converse
from tiny_server import Server, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ADDRESS, SCHEME, HOST, PORT, PREFIX = (
    f"x-forwarded-{name}" for name in ("for", "proto", "host", "port", "prefix")
)
Lines = dict[str, list[str]]


@dataclass
class Exchange:
    """One request on its way: *lines* by lower-case field name, *peer* as the next layer sees it."""

    target: str
    lines: Lines
    peer: str
    client: str
    number: int = 0


@dataclass
class Chain:
    """Layers of field → operation, client's side first; *before* may answer in the chain's place.

    *http2* are the layers that requests over HTTP/2 (without TLS) take, None: it is not spoken.
    *addresses* gives the address from which a layer, by its number, connects onwards.
    """

    layers: Sequence[Mapping[str, str]] = ()
    before: Callable[[Exchange], bytes | None] = lambda _: None
    addresses: Callable[[int, Exchange], str] = lambda layer, _: f"10.9.0.{layer + 1}"
    sees: Callable[[dict[str, str]], dict[str, str]] = dict
    refused: str | None = None
    proxy_fix: list[dict[str, int]] | None = None
    aliases: bool = False
    http2: Chain | None = None
    asked: int = 0
    answers: list[bytes] = field(default_factory=list)

    @contextlib.contextmanager
    def serving(self, address: str = "127.0.0.1") -> Iterator[str]:
        """Serve on a port of *address*; give the URL."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with listen(family, (address, 0)) as listener:
            server = Server(self._behave, listener)
            try:
                yield f"{server.url}/echo"
            finally:
                # Wakes the thread that accepts; close() alone would not.
                listener.shutdown(socket.SHUT_RDWR)

    def _behave(self, connection: socket.socket, _number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = str(connection.getpeername()[0])
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                more = connection.recv(65536)
                if not more:
                    return
                buffer += more
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            if head.startswith(b"PRI "):
                self._behave_http2(connection, head + b"\r\n\r\n" + buffer, client)
                return
            connection.sendall(self._answer(head.decode("latin-1"), client))

    def _behave_http2(self, connection: socket.socket, received: bytes, client: str) -> None:
        if self.http2 is None:
            connection.sendall(response(505))
        else:
            chain = self.http2
            converse(connection, received, lambda head: chain._answer(head, client))

    def _answer(self, head: str, client: str) -> bytes:
        first, *rest = head.split("\r\n")
        lines: Lines = {}
        for line in rest:
            name, _, value = line.partition(":")
            lines.setdefault(name.lower(), []).append(value.strip())
        self.asked += 1
        exchange = Exchange(first.split()[1], lines, client, client, self.asked)
        answer = self.before(exchange)
        if answer is None:
            answer = self.echo(exchange)
        self.answers.append(answer)
        return answer

    def echo(self, exchange: Exchange) -> bytes:
        """Send *exchange* through the layers and answer what arrives."""
        for number, layer in enumerate(self.layers):
            self._pass(layer, exchange)
            exchange.peer = self.addresses(number, exchange)
        raw = self._environ(exchange)
        told = {"server": "simulated", "refused": self.refused, "proxy_fix": self.proxy_fix}
        return response(200, {"raw": raw, "seen": self.sees(raw), **told})

    def _pass(self, layer: Mapping[str, str], exchange: Exchange) -> None:
        for name, operation in layer.items():
            values = exchange.lines.get(name, [])
            own = _own(name, exchange)
            exchange.lines[name] = operate(operation, values, own)

    def _environ(self, exchange: Exchange) -> dict[str, str]:
        path, _, query = exchange.target.partition("?")
        environ = {
            "REMOTE_ADDR": exchange.peer,
            "REMOTE_PORT": "4711",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.url_scheme": "http",
        }
        for name, values in exchange.lines.items():
            if values and (self.aliases or name.replace("-", "").isalnum()):
                key = "HTTP_" + name.upper().replace("-", "_")
                environ[key] = ",".join([*([environ[key]] if key in environ else []), *values])
        return environ


def _own(name: str, exchange: Exchange) -> str:
    host = exchange.lines["host"][0]
    return {
        SCHEME: "http",
        HOST: host,
        PORT: host.rpartition(":")[2],
        PREFIX: "/",
    }.get(name, exchange.peer)


def operate(operation: str, lines: list[str], own: str) -> list[str]:  # noqa: PLR0911 - one an operation
    """Do one operation of facts' algebra on a field's lines."""
    joined = [", ".join(lines)] if lines else []
    match operation:
        case "append":
            return [", ".join([*joined, own])]
        case "append-line":
            return [*lines, own]
        case "append-first":
            return [f"{lines[0]}, {own}", *lines[1:]] if lines else [own]
        case "append2":
            return [", ".join([*joined, own, "35.191.0.1"])]
        case "overwrite":
            return [own]
        case "drop":
            return []
        case "if-absent":
            return lines or [own]
        case "last":
            return lines[-1:] or [own]
    return lines


def response(status: int, document: object = None, **fields: str) -> bytes:
    body = json.dumps(document).encode() if document is not None else b""
    told = {"Content-Length": str(len(body)), "Cache-Control": "no-store", **fields}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body
