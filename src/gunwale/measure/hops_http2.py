"""One connection to a front over HTTP/2 (RFC 9113): the same request as over HTTP/1.1, where it has one."""

from __future__ import annotations

import contextlib
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gunwale.measure.hops_exchange import LONGEST_ANSWER, OWN, Answer

if TYPE_CHECKING:
    import socket

    from h2.events import Event

    from gunwale.measure.hops_exchange import Lines

EXTRA = "gunwale[measure]"
ALPN = "h2"
# RFC 9113 §8.2.1: no space, no capitals, nothing beyond ASCII; names are sent in lower case.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
# RFC 9113 §8.2.2: fields of one connection have no place in it, nor has Host beside :authority.
_NOT_SENT = frozenset({"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"})
# RFC 9113 §3.4, and an empty SETTINGS frame (§6.5); a peer's own begins with three octets of length, then 4.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS_FRAME = 4
_READ = 1 << 16


def is_installed() -> bool:
    """Whether the library that speaks HTTP/2 is there."""
    return find_spec("h2") is not None


def can_carry(lines: Lines) -> bool:
    """Whether HTTP/2 has a way to say *lines* at all."""
    names = [name.lower() for name, _ in lines]
    return all(_NAME.fullmatch(name) and name not in _NOT_SENT for name in names)


def answers(sock: socket.socket) -> bool:
    """Whether the peer of a connection without TLS takes HTTP/2 for granted (RFC 9113 §3.3)."""
    sock.sendall(_PREFACE)
    head = b""
    while len(head) < 4:
        more = sock.recv(4 - len(head))
        if not more:
            return False
        head += more
    return head[3] == _SETTINGS_FRAME


class Http2:
    """A connection that speaks HTTP/2, one request at a time."""

    def __init__(self, sock: socket.socket, scheme: str) -> None:
        from h2.config import H2Configuration
        from h2.connection import H2Connection

        self.is_over = False
        self._sock = sock
        self._scheme = scheme
        self._state = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self._state.initiate_connection()

    def ask(self, target: str, host: str, lines: Lines) -> Answer:
        """Send GET *target* with *lines* after our own; OSError when no complete answer comes."""
        from h2.exceptions import H2Error

        pseudo = ((":method", "GET"), (":scheme", self._scheme), (":authority", host), (":path", target))
        sent = [(name.lower(), value) for name, value in (*pseudo, *OWN, *lines)]
        try:
            stream = self._state.get_next_available_stream_id()
            self._state.send_headers(stream, sent, end_stream=True)
            return self._answer(stream)
        except H2Error as error:
            self.is_over = True
            raise ConnectionError(f"an answer that is not HTTP/2: {error!r}") from error

    def _answer(self, stream: int) -> Answer:
        from h2 import events

        fields, body = {}, b""
        while True:
            for event in self._events():
                match event:
                    case events.ResponseReceived():
                        fields = {str(name): str(value) for name, value in event.headers}
                    case events.DataReceived():
                        body += event.data
                        self._state.acknowledge_received_data(event.flow_controlled_length, stream)
                    case events.StreamEnded():
                        return Answer(int(fields[":status"]), fields, body)
                    case events.StreamReset():
                        raise ConnectionError("the front reset the request")
                    case events.ConnectionTerminated():
                        self.is_over = True
            if len(body) > LONGEST_ANSWER:
                raise ConnectionError("the answer has no end")

    def _events(self) -> list[Event]:
        self._sock.sendall(self._state.data_to_send())
        data = self._sock.recv(_READ)
        if not data:
            raise ConnectionError("the connection was closed before the answer was complete")
        return self._state.receive_data(data)

    def close(self) -> None:
        """Say goodbye, and close it."""
        with contextlib.suppress(OSError):
            self._state.close_connection()
            self._sock.sendall(self._state.data_to_send())
        self._sock.close()
