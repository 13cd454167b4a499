"""Closing a connection without waiting for its peer.

A server that closes while the client still sends makes the kernel reset the connection, and the reset can
destroy the end of the response (RFC 9112 §9.6). So one half-closes and reads on for a while. Gunicorn ≥ 26
does that where it accepts: one client that keeps its finished connection open freezes a sync or gthread
worker for two seconds (measured with 27.0.1, 2026-11-22: next request after 2.0 s). Here they are looked at
again when a few more have come, and 20 times a second by a thread: one that woke for each connection would
take the interpreter from the application, and so does each system call among threads that want it: these
are three a connection, one less than Gunicorn makes.
"""

from __future__ import annotations

import socket
from _thread import allocate_lock, start_new_thread
from fcntl import ioctl
from resource import RLIMIT_NOFILE, getrlimit
from select import POLLIN, poll  # now: gevent will put its own into the module
from sys import byteorder
from termios import TIOCOUTQ
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import _socket

PATIENCE = 2.0
MOST = 65536
SHARE = 8
"""One of so many descriptors may be a connection that waits for its peer's end."""
BATCH = 16
"""Connections from one look at all to the next."""
QUIET = 0.2
"""Seconds after which a peer that has taken everything, and says nothing, keeps no process from its end."""
_TICK = 0.05


class _Kept:
    """A half-closed connection; *left*: how many bytes more are read of it; *heard*: when it last spoke."""

    __slots__ = ("deadline", "heard", "left", "sock")

    def __init__(self, sock: _socket.socket, deadline: float, left: int, heard: float) -> None:
        self.sock, self.deadline, self.left, self.heard = sock, deadline, left, heard


class Closer:
    """The connections that one process is done with, closed in the background."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}  # by descriptor, the oldest first
        self._poll = poll()
        self._lock = allocate_lock()
        self._is_running = False
        self._new = 0
        self._looked = 0.0

    def close(self, sock: _socket.socket, timeout: float = PATIENCE, max_drain: int = MOST) -> None:
        """Half-close *sock*; close it when its peer has, or after *timeout* seconds or *max_drain* bytes."""
        try:
            sock.shutdown(socket.SHUT_WR)
            if hasattr(sock, "pending"):  # TLS: what can be read may be no whole record, and that would wait
                sock.settimeout(0)
        except OSError:
            sock.close()
            return
        now = monotonic()
        with self._lock:
            self._kept[sock.fileno()] = _Kept(sock, now + timeout, max_drain, now)
            self._poll.register(sock, POLLIN)
            self._new += 1
            if self._new >= BATCH or now - self._looked > _TICK:
                self._look(now)
            if not self._is_running:
                self._is_running = True
                start_new_thread(self._run, ())

    def finish(self) -> None:
        """Close all before the process ends; PATIENCE at most, since none is kept longer.

        A reset can only destroy what the peer has not taken, or what it still sends against: who has
        acknowledged everything and been silent for QUIET is not waited for.
        """
        deadline = monotonic() + PATIENCE
        while self._is_running and monotonic() < deadline:
            with self._lock:
                now = monotonic()
                self._look(now)
                for fd, kept in list(self._kept.items()):
                    if now - kept.heard > QUIET and not _unsent(fd):
                        self._end(fd)
                if not self._kept:
                    return
            sleep(_TICK)

    def _run(self) -> None:
        while True:
            sleep(_TICK)
            with self._lock:
                now = monotonic()
                if now - self._looked > _TICK / 2:  # else whoever closes looks often enough
                    self._look(now)
                for fd, kept in list(self._kept.items()):
                    if kept.deadline < now:
                        self._end(fd)
                if not self._kept:
                    self._is_running = False
                    return

    def _look(self, now: float) -> None:
        """Close those whose peer has closed, or sent more than we read; and the oldest, to have room."""
        self._new, self._looked = 0, now
        for fd, _ in self._poll.poll(0):
            kept = self._kept[fd]
            kept.left -= _read(kept.sock) or kept.left
            kept.heard = now
            if kept.left <= 0:
                self._end(fd)
        limit = getrlimit(RLIMIT_NOFILE)[0]
        while len(self._kept) > limit // SHARE >= 0:
            self._end(next(iter(self._kept)))

    def _end(self, fd: int) -> None:
        self._poll.unregister(fd)
        self._kept.pop(fd).sock.close()


def _read(sock: _socket.socket) -> int:
    """Throw away what has come: how many bytes, 0 at the end."""
    try:
        return len(sock.recv(MOST))
    except BlockingIOError:
        return 1  # nothing after all; 0 would be the end
    except OSError:  # reset, or TLS that wants a word: either way there is nothing to wait for
        return 0


def _unsent(fd: int) -> int:
    """How many bytes, our FIN among them, the peer's kernel has not acknowledged (tcp(7), SIOCOUTQ)."""
    return int.from_bytes(ioctl(fd, TIOCOUTQ, b"\0\0\0\0"), byteorder)
