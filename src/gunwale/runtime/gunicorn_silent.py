"""Clients of a sync worker that are connected and say nothing: listened to together, while others are served.

Gunicorn's sync worker alone reads from whoever it has accepted, and waits: one connection that a browser
opened for later, or a scanner's, takes a worker until Gunicorn kills it. Here only who speaks is read from.
"""

from __future__ import annotations

import errno
import math
import os
import socket
import struct
import sys
from select import POLLIN, poll
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.runtime.gunicorn_room import NONE_LEFT
from gunwale.runtime.gunicorn_worker import SILENCE
from gunwale.runtime.room import full
from gunwale.runtime.scoreboard_watch import PATIENCE

if TYPE_CHECKING:
    from gunwale.runtime.gunicorn_worker import Retirement
    from gunwale.runtime.linger import Closer

AT_FIRST, FEW = 0.1, 10
"""Seconds in which a client's first byte is waited for, while no more than so many are silent.

It mostly comes right after the handshake; and who is put aside may have to wait for another one's request.
"""
_LEAVING_TURN = 0.2


class Client(NamedTuple):
    """Who was accepted, and until when it may be silent."""

    listener: Any
    sock: socket.socket
    address: Any
    until: float


class Silent:
    """Stands before the methods of one worker; made in post_worker_init."""

    def __init__(self, worker: Any, timeout: float, retirement: Retirement, closer: Closer) -> None:
        self._worker, self._retirement, self._closer = worker, retirement, closer
        self._most = worker.cfg.worker_connections
        self._keepalive = max(worker.cfg.keepalive, SILENCE)
        # Of a head that stops half way. In a request the deadline is the watch's, which comes first.
        self._timeout = struct.pack("ll", math.ceil(timeout + PATIENCE), 0) if timeout else None
        self._clients: dict[int, Client] = {}  # by descriptor, the longest there first
        self._notice = full()
        self._is_leaving = False
        self._poll = poll()
        for each in worker.wait_fds:
            self._poll.register(each, POLLIN)
        self._serve_others = worker.run
        worker.accept, worker.wait, worker.run = self.accept, self.wait, self.run

    @staticmethod
    def suits(worker: Any) -> bool:
        """Whether *worker* is Gunicorn's own sync worker, in what is replaced here."""
        module: Any = sys.modules.get("gunicorn.workers.sync")
        names = ("accept", "wait", "run")
        return module is not None and all(
            getattr(type(worker), name, None) is getattr(module.SyncWorker, name) for name in names
        )

    def accept(self, listener: Any) -> None:
        """Accept one client and serve it, or put it aside; then serve who has spoken meanwhile."""
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno == errno.EINVAL:  # shut down: the supervisor refuses connections from now on
                self._worker.alive = False
            elif error.errno in NONE_LEFT and self._clients:
                # Without lingering, which would keep the descriptor.
                self._take(next(iter(self._clients))).sock.close()
            else:
                raise
            return
        sock.settimeout(None)
        if self._timeout:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, self._timeout)
        if _speaks(sock, AT_FIRST if len(self._clients) < FEW else 0):
            self._worker.handle(listener, sock, address)
        else:
            self._clients[sock.fileno()] = Client(listener, sock, address, monotonic() + self._keepalive)
            self._poll.register(sock, POLLIN)
        if self._clients:
            self._hear(0)

    def wait(self, timeout: float) -> list[Any]:
        """Wait until somebody connects or speaks; the listeners at which somebody waits."""
        self._worker.notify()
        ready = self._hear(timeout)
        return [each for each in self._worker.sockets if each.fileno() in ready]

    def run(self) -> None:
        """Serve as ever; then hear those who are connected and may be about to ask."""
        self._serve_others()
        self._is_leaving = True
        for each in self._worker.sockets:
            self._poll.unregister(each)
        until = monotonic() + SILENCE
        while self._clients and monotonic() < until and self._retirement.may_be_asked:
            self._worker.notify()
            self._hear(_LEAVING_TURN)

    def _hear(self, seconds: float) -> set[int]:
        """Serve who speaks within *seconds*, close who was silent for too long; what else is ready."""
        others = set()
        if self._clients:
            first = next(iter(self._clients.values()))
            seconds = min(seconds, max(0.0, first.until - monotonic()))
        for fd, _ in self._poll.poll(seconds * 1000):
            if fd not in self._clients:
                others.add(fd)
            elif self._worker.alive or self._is_leaving:
                client = self._take(fd)
                self._worker.notify()
                self._worker.handle(client.listener, client.sock, client.address)
        if self._worker.PIPE[0] in others:
            os.read(self._worker.PIPE[0], 4096)
        self._close_the_longest()
        return others

    def _close_the_longest(self) -> None:
        now = monotonic()
        while self._clients:
            fd, first = next(iter(self._clients.items()))
            is_full = len(self._clients) >= self._most
            if not is_full and first.until > now:
                break
            if is_full:
                self._notice.say()
            if _speaks(first.sock, 0):
                break  # it is heard in the next turn
            self._closer.close(self._take(fd).sock)

    def _take(self, fd: int) -> Client:
        self._poll.unregister(fd)
        return self._clients.pop(fd)


def _speaks(sock: socket.socket, seconds: float) -> bool:
    asked = poll()
    asked.register(sock, POLLIN)
    return bool(asked.poll(seconds * 1000))
