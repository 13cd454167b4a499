"""Room in a gevent worker: greenlets that wait for their client's next request, and how such a wait ends.

Gunicorn alone gives each wait a timer that closes without a look: where a greenlet has held the loop up, the
timer comes before the request that has come meanwhile, which is thrown away with a reset.
"""

from __future__ import annotations

import _socket
import errno
import os
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import cut, has_spoken
from gunwale.runtime.gunicorn_room import Room, then
from gunwale.runtime.room import CONNECTING, KEEPALIVE_LINGER, may_go

if TYPE_CHECKING:
    from gunwale.runtime.gunicorn_worker import Retirement
    from gunwale.runtime.linger import Closer

_STEP = 0.05


class _Wait:
    """One connection; as a context, its wait for a request."""

    __slots__ = ("_waiting", "greenlet", "has_asked", "since", "sock")

    def __init__(self, greenlet: Any, sock: Any, waiting: dict[_Wait, None]) -> None:
        self.greenlet, self.sock, self.has_asked = greenlet, sock, False
        self._waiting = waiting
        self.begin()

    def begin(self) -> None:
        self.since = monotonic()
        self._waiting[self] = None

    __enter__ = begin

    def __exit__(self, *_: object) -> None:
        self._waiting.pop(self, None)


class Greenlets(Room):
    """Keeps room in one gevent worker; made in post_worker_init, when the worker is whole."""

    def __init__(self, worker: Any, closer: Closer, retirement: Retirement) -> None:
        super().__init__(worker)
        import gevent

        self._gevent = gevent
        self._closer, self._retirement = closer, retirement
        retirement.ends_idle = True
        self._connections: dict[Any, _Wait] = {}  # by greenlet
        self._waiting: dict[_Wait, None] = {}  # who has waited longest first
        self._looks_again = False
        self._handle = worker.handle
        worker.handle = self._handle_with_room
        worker.timeout_ctx = lambda: self._connections[gevent.getcurrent()]
        module: Any = sys.modules["gunicorn.workers.ggevent"]
        module.StreamServer = _that_can_be_refused(module.StreamServer, worker)
        if worker.server_class is not None:
            worker.server_class = _that_can_be_refused(worker.server_class, worker)
        worker.notify = then(worker.notify, self._look_after)

    @staticmethod
    def suits(worker: Any) -> bool:
        """Whether *worker* is one."""
        return hasattr(worker, "timeout_ctx")

    @property
    def is_full(self) -> bool:
        """Whether nobody else can be accepted."""
        return bool(len(self._connections) >= self._worker.worker_connections)

    def asks(self, req: Any) -> None:
        """Note that the connection makes a request; in pre_request."""
        wait = self._connections.get(self._gevent.getcurrent())
        if wait is not None:
            wait.has_asked = True
            self._waiting.pop(wait, None)  # with keepalive=0 nothing else says so
        super().asks(req)

    def _handle_with_room(self, listener: Any, client: Any, address: Any) -> None:
        greenlet = self._gevent.getcurrent()
        wait = self._connections[greenlet] = _Wait(greenlet, client, self._waiting)
        if self.is_full:
            self._make_room()
        try:
            self._handle(listener, client, address)
        finally:
            self._waiting.pop(wait, None)
            self._connections.pop(greenlet, None)

    def _look_after(self) -> None:
        """Do what is due; once a second, while the worker serves and while it ends."""
        if self._retirement.ending_for:
            self._wait_for_the_last()
        elif self.is_full:
            self._make_room()
        if keepalive := self._worker.cfg.keepalive:
            now = monotonic()
            for wait in [each for each in self._waiting if now - each.since >= keepalive]:
                self._end(wait)

    def _wait_for_the_last(self) -> None:
        """Let the last clients be told, then end those that say nothing.

        Gunicorn itself looks once a second whether anybody is left.
        """
        until = monotonic() + 1.0
        while self._connections and monotonic() < until:
            if self._retirement.ending_for > KEEPALIVE_LINGER:
                for wait in list(self._waiting):
                    if wait.has_asked or not self._retirement.may_be_asked:
                        self._end(wait)
            self._gevent.sleep(_STEP)  # the others run

    def _make_room(self) -> None:
        now, most = monotonic(), self._worker.worker_connections
        may = [each for each in self._waiting if may_go(now - each.since, has_asked=each.has_asked)]
        self._notice.say()
        # Some at once: finding them looks at all.
        for wait in may[: max(1 + len(self._connections) - most, most // 50)]:
            self._end(wait)
        if not may and not self._looks_again:
            self._looks_again = True
            self._gevent.spawn_later(CONNECTING, self._look_again)

    def _look_again(self) -> None:
        self._looks_again = False
        if self.is_full:
            self._make_room()

    def _end(self, wait: _Wait) -> None:
        """End a wait, and the connection with it; unless its greenlet is about to read a request.

        The connection outlives the greenlet, which would close it at once. Until this greenlet has ended, in
        the loop's next turn, it can read nothing: what had come before was seen here.
        """
        if has_spoken(wait.sock):
            return
        self._waiting.pop(wait, None)
        try:
            self._closer.close(_socket.socket(fileno=os.dup(wait.sock.fileno())))
        except OSError:  # closed meanwhile, or no descriptor is left
            cut(wait.sock)
        wait.greenlet.kill(StopIteration, block=False)  # as if the client had left


def _that_can_be_refused(server_class: Any, worker: Any) -> Any:
    """Make a gevent server that ends *worker* when its socket is shut down; its own prints a traceback."""

    def do_read(server: Any) -> Any:
        try:
            return server_class.do_read(server)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            server.stop_accepting()
            worker.alive = False
            return None

    return type(server_class.__name__, (server_class,), {"do_read": do_read})
