"""The admin port: /health, /ready and /metrics, answered by the supervisor itself.

It answers at once when every worker is busy; that keeps a slow container from being killed for slowness.
It only reads: no request changes anything.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from gunwale.serve.door import door

if TYPE_CHECKING:
    import socket
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


def listen(address: str) -> tuple[socket.socket, str]:
    """Listen on "host:port", "[::1]:port" or "unix:/path": the socket, and where it is."""
    place = door(address, steers=False)
    sock = place.admit(shared=False)  # a second supervisor must not share it
    sock.listen(CONNECTIONS)
    place.shift(sock)
    sock.settimeout(0)
    return sock, place.text


def metrics(families: Iterable[tuple[str, str, Iterable[tuple[str, float]]]]) -> str:
    """Write the Prometheus text format, version 0.0.4: (name, type, its samples by what follows the name)."""
    lines = []
    for name, kind, samples in families:
        lines.append(f"# TYPE {name} {kind}")
        lines += [f"{name}{rest} {value}" for rest, value in samples]
    return "\n".join(lines) + "\n"
