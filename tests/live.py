"""The one harness that owns processes in tests, and the smallest HTTP client that hides nothing."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.deploy.ports import free_port, reserved_port
from gunwale.measure.process import OwnedProcess as Live
from gunwale.measure.process import ProcessError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Live", "ProcessError", "Response", "free_port", "raw", "request", "reserved_port", "wait_until"]


def wait_until(is_true: Callable[[], object], timeout: float, what: str) -> None:
    """Wait until *is_true* holds, without a process to watch; AssertionError after *timeout*."""
    deadline = time.monotonic() + timeout
    while not is_true():
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        time.sleep(0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Fields by lower-case name (the last of several), and all of them in order in *fields*."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.fields}

    @property
    def text(self) -> str:
        return self.body.decode()


def raw(host: str, port: int | str = 0, timeout: float = 10.0) -> socket.socket:
    """Return a connected socket with a deadline; *host* "unix:/path" connects to that path."""
    if host.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        try:
            sock.connect(host.removeprefix("unix:"))
        except OSError:
            sock.close()
            raise
        return sock
    return socket.create_connection((host.strip("[]"), port), timeout)


def request(
    host: str,
    port: int,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout: float = 10.0,
) -> Response:
    """Send one request on a connection of its own; OSError when it breaks, also inside the body."""
    fields = {"Host": f"{host}:{port}" if port else "localhost", "Connection": "close", **(headers or {})}
    if body:
        fields.setdefault("Content-Length", str(len(body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with raw(host, port, timeout) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)
        return read_response(sock, method)


def read_response(sock: socket.socket, method: str = "GET") -> Response:
    """Read one response off a socket, strictly; http.client judges the framing."""
    import http.client

    answer = http.client.HTTPResponse(sock, method=method)
    try:
        answer.begin()
        return Response(status=answer.status, fields=tuple(answer.getheaders()), body=answer.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"broken response: {error!r}") from error
    finally:
        answer.close()
