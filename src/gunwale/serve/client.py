"""A client of the admin port or of the control socket: heard to its end, and never waited for."""

from __future__ import annotations

import contextlib
import socket

LIMIT = 8192
"""Bytes that are heard of one client."""
ASKING = 5.0
"""Seconds a client has to say what it wants."""


class Client:
    """One connection, on which the client speaks first; it has said everything with *end*."""

    def __init__(self, sock: socket.socket, end: bytes) -> None:
        sock.settimeout(0)
        self.sock = sock
        self._end, self._heard = end, b""

    def hear(self) -> bytes | None:
        """Take what came; all of it once it is whole, too long or broken off, None for not yet."""
        try:
            data = self.sock.recv(LIMIT)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        self._heard += data
        is_whole = self._end in self._heard or not data or len(self._heard) >= LIMIT
        return self._heard if is_whole else None

    def tell(self, answer: bytes, *, is_last: bool = True) -> None:
        """Send an answer, far smaller than a send buffer; who has gone, or reads nothing, misses it."""
        with contextlib.suppress(OSError):
            self.sock.send(answer)
            if is_last:
                self.sock.shutdown(socket.SHUT_WR)
        if is_last:
            self.sock.close()
