"""The admin port: /health, /ready and /metrics, answered by the supervisor itself.

It answers at once when every worker is busy; that keeps a slow container from being killed for slowness.
It only reads: no request changes anything.
"""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from gunwale.serve.door import UnixDoor, door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONNECTIONS = 128
_FIELDS = "Cache-Control: no-store\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n"


class Answer(NamedTuple):
    """Status, media type and body."""

    status: int
    kind: str
    body: str


def verdict(status: int, word: str, **facts: object) -> Answer:
    """Make the JSON answer of a health path."""
    return Answer(status, "application/json", json.dumps({"status": word, **facts}) + "\n")


def respond(head: bytes, pages: dict[str, Callable[[], Answer]]) -> bytes:
    """Answer one request head; the connection is closed after it."""
    try:
        method, target, _version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    except ValueError:
        answer, method = Answer(400, "text/plain", "not an HTTP request\n"), ""
    else:
        page = pages.get(target.partition("?")[0])
        if method not in {"GET", "HEAD"}:
            answer = Answer(405, "text/plain", "this port only reads: GET or HEAD\n")
        elif page is None:
            answer = Answer(404, "text/plain", f"here are {', '.join(pages)}\n")
        else:
            answer = page()
    body = answer.body.encode()
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    kind = f"Content-Type: {answer.kind}; charset=utf-8\r\nContent-Length: {len(body)}"
    return f"HTTP/1.1 {status}\r\n{kind}\r\n{_FIELDS}".encode() + (b"" if method == "HEAD" else body)


def listen(address: str) -> socket.socket | None:
    """Listen on "host:port", "[::1]:port" or "unix:/path"; None for "off"."""
    if address == "off":
        return None
    place = door(address, steers=False)
    if isinstance(place, UnixDoor):
        sock = place.admit()
        sock.listen(CONNECTIONS)
        place.shift(sock)
    else:
        # Without SO_REUSEPORT: a second supervisor must not share it.
        sock = place.admit(shared=False)
        sock.listen(CONNECTIONS)
    sock.settimeout(0)
    return sock


def text(sock: socket.socket) -> str:
    """The address, as a user writes it."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if sock.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"


def metrics(families: Iterable[tuple[str, str, Iterable[tuple[str, float]]]]) -> str:
    """Write the Prometheus text format, version 0.0.4: (name, type, its samples by what follows the name)."""
    lines = []
    for name, kind, samples in families:
        lines.append(f"# TYPE {name} {kind}")
        lines += [f"{name}{rest} {value}" for rest, value in samples]
    return "\n".join(lines) + "\n"
