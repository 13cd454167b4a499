"""One connection to a front, HTTP/1.1 to the byte: a request sent as it is given, its answer read whole."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gunwale import __version__

if TYPE_CHECKING:
    import socket

Lines = tuple[tuple[str, str], ...]

LONGEST_ANSWER = 1 << 20
OWN: Lines = (("User-Agent", f"gunwale-hops/{__version__}"), ("Accept", "*/*"))


class Answer(NamedTuple):
    """One response; *fields* in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes


class Connection(Protocol):
    """A connection that carries one request after the other; *is_over*: it carries no more."""

    is_over: bool

    def ask(self, target: str, host: str, lines: Lines) -> Answer:
        """Send GET *target* with *lines* after our own; OSError when no complete answer comes."""

    def close(self) -> None:
        """Close it."""


class Http1:
    """A connection that speaks HTTP/1.1."""

    def __init__(self, sock: socket.socket) -> None:
        self.is_over = False
        self._sock = sock

    def ask(self, target: str, host: str, lines: Lines) -> Answer:
        """Send GET *target* with *lines* after our own; OSError when no complete answer comes."""
        text = "".join(f"{name}: {value}\r\n" for name, value in (("Host", host), *OWN, *lines))
        response = http.client.HTTPResponse(self._sock, method="GET")
        try:
            self._sock.sendall(f"GET {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1"))
            response.begin()
            body = response.read(LONGEST_ANSWER)
            self.is_over = response.will_close or not response.isclosed()
        except http.client.HTTPException as error:
            raise ConnectionError(f"an answer that is not HTTP/1.1: {error!r}") from error
        finally:
            response.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def close(self) -> None:
        """Close it."""
        self._sock.close()
