"""Closing a connection without waiting for its peer.

A server that closes while the client still sends makes the kernel reset the connection, and the reset can
destroy the end of the response (RFC 9112 §9.6). So one half-closes and reads on for a while. Gunicorn ≥ 26
does that where it accepts: one client that keeps its finished connection open freezes a sync or gthread
worker for two seconds (measured with 27.0.1, 2026-11-22: next request after 2.0 s). Here a thread does it.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from _thread import allocate_lock, start_new_thread
from time import monotonic, sleep

PATIENCE = 2.0
MOST = 65536
_TICK = 0.05


class Closer:
    """The connections that one process is done with, closed in the background."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = allocate_lock()
        self._is_running = False

    def close(self, sock: socket.socket, timeout: float = PATIENCE, max_drain: int = MOST) -> None:
        """Half-close *sock*; close it when its peer has, or after *timeout* seconds or *max_drain* bytes."""
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(0)
        except OSError:
            sock.close()
            return
        left = _drain(sock, max_drain)
        if left <= 0:
            sock.close()
            return
        with self._lock:
            self._selector.register(sock, selectors.EVENT_READ, [monotonic() + timeout, left])
            if not self._is_running:
                self._is_running = True
                start_new_thread(self._run, ())

    def finish(self) -> None:
        """Wait until all are closed; PATIENCE at most, since none is kept longer."""
        deadline = monotonic() + PATIENCE
        while self._is_running and monotonic() < deadline:
            sleep(_TICK)

    def _run(self) -> None:
        while True:
            # epoll may be changed while it waits (epoll_wait(2)): a new connection is seen at once.
            ready = self._selector.select(_TICK)
            with self._lock:
                for key, _ in ready:
                    assert isinstance(key.fileobj, socket.socket)
                    key.data[1] = _drain(key.fileobj, key.data[1])
                now = monotonic()
                for key in list(self._selector.get_map().values()):
                    if key.data[1] <= 0 or key.data[0] < now:
                        self._selector.unregister(key.fileobj)
                        assert isinstance(key.fileobj, socket.socket)
                        key.fileobj.close()
                if not self._selector.get_map():
                    self._is_running = False
                    return


def _drain(sock: socket.socket, most: int) -> int:
    """Throw away what has come; how much more may come, 0 at the peer's end."""
    with contextlib.suppress(BlockingIOError):
        while most > 0:
            try:
                data = sock.recv(4096)
            except BlockingIOError:
                raise
            except OSError:  # reset, or TLS that wants a word: either way there is nothing to wait for
                return 0
            if not data:
                return 0
            most -= len(data)
    return most
