"""One HTTP request over a Unix socket: a task's admin port, a balancer's admin and probe sockets."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Answer(NamedTuple):
    """A response: its *status*, its *fields* by lower-case name, its *body*."""

    status: int
    fields: dict[str, str]
    body: bytes


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(
    path: Path,
    target: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    fields: Mapping[str, str] | None = None,
    timeout: float = 5.0,
) -> Answer:
    """Ask the server on the Unix socket *path* for *target*; OSError where there is no whole answer."""
    connection = _Connection(path, timeout)
    try:
        connection.request(method, target, body=body, headers=dict(fields or {}))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"no whole answer: {error!r}") from error
    finally:
        connection.close()
