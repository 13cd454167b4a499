"""Room in a thread worker: its poller's connections, which are closed here and nowhere else.

Gunicorn closes what its poller has kept for too long without a look: between the poller's last word and that
close other connections are served, and a request that comes meanwhile is thrown away with a reset.
"""

from __future__ import annotations

import contextlib
import errno
import sys
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import has_spoken
from gunwale.runtime.gunicorn_room import NONE_LEFT, Room, then
from gunwale.runtime.room import CONNECTING, KEEPALIVE_LINGER, may_go

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from gunwale.runtime.gunicorn_worker import Retirement
    from gunwale.runtime.linger import Closer


class Threads(Room):
    """Keeps room in one thread worker; made in post_worker_init, when the worker is whole."""

    def __init__(self, worker: Any, closer: Closer, retirement: Retirement) -> None:
        super().__init__(worker)
        self._closer, self._retirement = closer, retirement
        retirement.ends_idle = True
        self._waited: set[Any] = set()  # connections of an ending worker, put off once
        module: Any = sys.modules["gunicorn.workers.gthread"]
        if hasattr(module, "STOP_KEEPALIVE_LINGER"):  # Gunicorn ≥ 26
            module.STOP_KEEPALIVE_LINGER = min(module.STOP_KEEPALIVE_LINGER, KEEPALIVE_LINGER)
        self._kept = worker.keepalived_conns
        self._pending = getattr(worker, "pending_conns", self._kept)  # Gunicorn ≥ 25
        if hasattr(module, "_DEFER") and worker.cfg.keepalive:
            self._let_the_poller_wait(module)
        worker.max_keepalived = worker.worker_connections
        worker.murder_keepalived, worker.murder_pending = self._end_kept, self._end_pending
        worker.notify = then(worker.notify, self._end_idle)
        worker.wait_for_and_dispatch_events = self._not_long(worker.wait_for_and_dispatch_events)
        worker.accept = self._careful(worker.accept)

    @staticmethod
    def suits(worker: Any) -> bool:
        """Whether *worker* is one."""
        return hasattr(worker, "keepalived_conns")

    @property
    def is_full(self) -> bool:
        """Whether nobody else can be accepted."""
        return bool(self._worker.nr_conns >= self._worker.worker_connections)

    def _let_the_poller_wait(self, module: Any) -> None:
        """Gunicorn ≥ 25 lets a thread wait five seconds for the first byte; the poller waits as well.

        Except where the worker is ending: a connection that is put off then would be closed unheard.
        """
        worker, wait, finish = self._worker, module.TConn.wait_for_data, self._worker.finish_request
        put_off = module._DEFER  # noqa: SLF001 - there is no public way

        def wait_for_data(conn: Any, timeout: float) -> bool:
            return bool(
                conn.data_ready or has_spoken(conn.sock) or (not worker.alive and wait(conn, timeout))
            )

        def finish_request(conn: Any, future: Any) -> None:
            has_failed = future.cancelled() or future.exception()
            is_put_off = not has_failed and future.result() is put_off
            if is_put_off and not worker.alive and conn not in self._waited:
                self._waited.add(conn)
                worker.enqueue_req(conn)
            else:
                finish(conn, future)

        module.TConn.wait_for_data = wait_for_data
        worker.finish_request = finish_request

    def _careful(self, accept: Callable[[Any], None]) -> Callable[[Any], None]:
        def accept_if_possible(listener: Any) -> None:
            try:
                accept(listener)
            except OSError as error:
                if error.errno == errno.EINVAL:  # shut down: the supervisor refuses connections from now on
                    self._worker.alive = False
                elif error.errno not in NONE_LEFT:
                    raise
                elif not self._end_oldest(needs_descriptor=True):
                    sleep(0.1)  # the listener stays readable

        return accept_if_possible

    def _not_long(self, wait: Callable[..., None]) -> Callable[..., None]:
        """Look again soon while nobody is accepted, and while this worker ends: somebody may go then."""

        def wait_and_dispatch(timeout: float) -> None:
            is_soon = self.is_full or self._retirement.ending_for
            wait(timeout=min(timeout, CONNECTING) if is_soon else timeout)

        return wait_and_dispatch

    def _end_idle(self) -> None:
        while self._worker.alive and self.is_full and self._end_oldest():
            pass

    def _end_oldest(self, *, needs_descriptor: bool = False) -> bool:
        idle = [conns for conns in (self._pending, self._kept) if conns]
        if not idle:
            return False
        oldest = min(idle, key=lambda conns: conns[0].timeout)
        idle_for = monotonic() - oldest[0].timeout + self._worker.cfg.keepalive
        if not needs_descriptor and not may_go(idle_for, has_asked=oldest is self._kept):
            return False
        self._notice.say()
        return self._end_first(oldest, needs_descriptor=needs_descriptor)

    def _end_kept(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - Gunicorn's own signature
        self._end_expired(self._kept, now=float("inf") if force else monotonic())

    def _end_pending(self) -> None:
        is_over = self._retirement.ending_for > KEEPALIVE_LINGER and not self._retirement.may_be_asked
        self._end_expired(self._pending, now=float("inf") if is_over else monotonic())

    def _end_expired(self, conns: deque[Any], *, now: float) -> None:
        while conns and conns[0].timeout <= now:
            self._end_first(conns)

    def _end_first(self, conns: deque[Any], *, needs_descriptor: bool = False) -> bool:
        """Close the first of *conns*; or serve it, if it has asked: then the answer is False."""
        worker, conn = self._worker, conns[0]
        if has_spoken(conn.sock):
            if conns is self._kept:
                worker.on_client_socket_readable(conn, conn.sock)
            else:
                worker.on_pending_socket_readable(conn, conn.sock)
            return False
        conns.popleft()
        with contextlib.suppress(OSError, KeyError, ValueError):
            worker.poller.unregister(conn.sock)
        worker.nr_conns -= 1
        if needs_descriptor:
            conn.close()
        else:
            self._closer.close(conn.sock)
        return True
