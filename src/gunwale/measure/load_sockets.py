"""The sockets a load waits for, and what each is for."""

from __future__ import annotations

import selectors
import socket
from typing import TYPE_CHECKING

from gunwale.measure.load_pace import RECEIVE_BUFFER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.measure.target import Target


def connect(target: Target, *, is_slow: bool) -> tuple[socket.socket, int]:
    """Begin to connect; return the socket and the errno so far. *is_slow*: its reader will take its time."""
    sock = socket.socket(target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if is_slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return sock, sock.connect_ex(target.address)
    except OSError:
        sock.close()
        raise


class Sockets:
    """A selector that is told what is wanted, whatever was wanted before."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, sock: socket.socket, wanted: int, owner: object) -> None:
        """Wait for the events *wanted* on behalf of *owner*; for none at all where *wanted* is 0."""
        watched = self._selector.get_map().get(sock)
        if watched is None:
            if wanted:
                self._selector.register(sock, wanted, owner)
        elif not wanted:
            self._selector.unregister(sock)
        elif watched.events != wanted or watched.data is not owner:
            self._selector.modify(sock, wanted, owner)

    def ready(self, timeout: float) -> Iterator[object]:
        """Wait at most so long; yield the owners of the sockets that something happened to."""
        for key, _ in self._selector.select(max(timeout, 0)):
            yield key.data

    def forget(self, sock: socket.socket) -> None:
        """Wait for it no more, and close it."""
        self.watch(sock, 0, None)
        sock.close()

    def close(self) -> None:
        """Wait for nothing any more; sockets not forgotten stay open."""
        self._selector.close()
