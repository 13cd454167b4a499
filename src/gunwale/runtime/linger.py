"""Closing a connection without waiting for its peer.

A server that closes while the client still sends makes the kernel reset the connection, and the reset can
destroy the end of the response (RFC 9112 §9.6). So one half-closes and reads on for a while. Gunicorn ≥ 26
does that where it accepts: one client that keeps its finished connection open freezes a sync or gthread
worker for two seconds (measured with 27.0.1, 2026-11-22: next request after 2.0 s). Here they are looked at
again when the next one is closed, and 20 times a second by a thread: one that woke for each connection would
take the interpreter from the application.
"""

from __future__ import annotations

import contextlib
import socket
from _thread import allocate_lock, start_new_thread
from resource import RLIMIT_NOFILE, getrlimit
from selectors import EVENT_READ, DefaultSelector  # now: gevent will put its own into the module
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import SelectorKey

PATIENCE = 2.0
MOST = 65536
SHARE = 8
"""One of so many descriptors may be a connection that waits for its peer's end."""
_TICK = 0.05


class Closer:
    """The connections that one process is done with, closed in the background."""

    def __init__(self) -> None:
        # Made by the process that closes: forked workers would see the events of each other's sockets.
        self._selector: DefaultSelector | None = None
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
            if self._selector is None:
                self._selector = DefaultSelector()
            else:
                _close_finished(self._selector)
                _close_oldest(self._selector)
            self._selector.register(sock, EVENT_READ, [monotonic() + timeout, left])
            if not self._is_running:
                self._is_running = True
                start_new_thread(self._run, ())

    def finish(self) -> None:
        """Wait until all are closed; PATIENCE at most, since none is kept longer."""
        deadline = monotonic() + PATIENCE
        while self._is_running and monotonic() < deadline:
            sleep(_TICK)

    def _run(self) -> None:
        assert self._selector is not None
        while True:
            sleep(_TICK)
            with self._lock:
                _close_finished(self._selector)
                now = monotonic()
                for key in list(self._selector.get_map().values()):
                    if key.data[0] < now:
                        _close(self._selector, key)
                if not self._selector.get_map():
                    self._is_running = False
                    return


def _close_finished(selector: DefaultSelector) -> None:
    """Close the connections whose peer has closed, or sent more than we read."""
    for key, _ in selector.select(0):
        assert isinstance(key.fileobj, socket.socket)
        key.data[1] = _drain(key.fileobj, key.data[1])
        if key.data[1] <= 0:
            _close(selector, key)


def _close_oldest(selector: DefaultSelector) -> None:
    """Make room for one more, where clients keep finished connections open faster than these end."""
    kept = selector.get_map()
    if len(kept) >= getrlimit(RLIMIT_NOFILE)[0] // SHARE >= 0:
        _close(selector, next(iter(kept.values())))


def _close(selector: DefaultSelector, key: SelectorKey) -> None:
    selector.unregister(key.fileobj)
    assert isinstance(key.fileobj, socket.socket)
    key.fileobj.close()


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
