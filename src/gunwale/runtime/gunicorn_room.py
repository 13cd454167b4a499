"""Room for new clients in a Gunicorn worker that has as many connections as it may have.

Gunicorn alone accepts no more then, until somebody leaves: a thousand clients that are connected and say
nothing keep all others out for as long as keep-alive lasts. Here the connection that has been idle longest
makes room. (For the sync worker, which has one connection at a time, see gunicorn_silent.)
"""

from __future__ import annotations

import errno
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import cut, has_spoken
from gunwale.runtime.notice import FULL, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.runtime.gunicorn_worker import Retirement
    from gunwale.runtime.scoreboard import Slot

OTHERS = 64
"""Descriptors of a worker that are no connections: files, the application's own sockets."""
LEAST = 16
KEEPALIVE_LINGER = 1.25
"""Seconds in which a worker that ends still answers a kept connection.

Gunicorn's thread worker takes two, its greenlets as long as its master waits (graceful_timeout) before it
kills: the worker's exit hooks would not run whenever a proxy keeps a connection.
"""
_STEP = 0.05
NONE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def most_connections(wanted: int, threads: int, listeners: int) -> int:
    """Give as many of *wanted* connections a listener as the descriptor limit holds.

    Every busy thread may hold one besides; Gunicorn ends a worker that cannot accept for want of one.
    """
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(LEAST, (limit - OTHERS - 2 * threads) // max(1, listeners)))


class Room:
    """Keeps room in one worker; made in post_worker_init, when the worker is whole."""

    def __init__(self, worker: Any, slot: Slot, retirement: Retirement) -> None:
        self._worker, self._slot, self._retirement = worker, slot, retirement
        self._notice = Notice(FULL)
        self._waited: set[Any] = set()  # connections of an ending thread worker, put off once
        # In the order of their latest request, or of their beginning; whether they have made one.
        self._clients: dict[Any, bool] = {}
        if hasattr(worker, "keepalived_conns"):
            self._keep_for_threads()
        elif hasattr(worker, "timeout_ctx"):
            self._keep_for_greenlets()

    def asks(self, req: Any) -> None:
        """Note that a connection makes a request; in pre_request."""
        sock = getattr(req.unreader, "sock", None)
        if self._clients.pop(sock, None) is not None:
            self._clients[sock] = True

    def _keep_for_threads(self) -> None:
        worker = self._worker
        module: Any = sys.modules["gunicorn.workers.gthread"]
        if hasattr(module, "STOP_KEEPALIVE_LINGER"):  # Gunicorn ≥ 26
            module.STOP_KEEPALIVE_LINGER = min(module.STOP_KEEPALIVE_LINGER, KEEPALIVE_LINGER)
        if hasattr(module, "_DEFER") and worker.cfg.keepalive:
            self._let_the_poller_wait(module)
        worker.max_keepalived = worker.worker_connections
        worker.notify = _then(worker.notify, self._end_idle_of_threads)
        worker.accept = self._careful(worker.accept)

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
                elif not self._end_oldest_of_threads():
                    time.sleep(0.1)  # the listener stays readable

        return accept_if_possible

    def _end_idle_of_threads(self) -> None:
        worker = self._worker
        while worker.alive and worker.nr_conns >= worker.worker_connections:
            if not self._end_oldest_of_threads():
                break

    def _end_oldest_of_threads(self) -> bool:
        worker = self._worker
        pending = getattr(worker, "pending_conns", ())
        idle = [conns for conns in (pending, worker.keepalived_conns) if conns]
        if not idle:
            return False
        oldest = min(idle, key=lambda conns: conns[0].timeout)
        if has_spoken(oldest[0].sock):
            return False  # the poller is about to see it
        self._notice.say()
        oldest[0].timeout = 0.0
        (worker.murder_pending if oldest is pending else worker.murder_keepalived)()
        return True

    def _keep_for_greenlets(self) -> None:
        worker, handle, clients = self._worker, self._worker.handle, self._clients

        def handle_with_room(listener: Any, client: Any, address: Any) -> None:
            clients[client] = False
            if len(clients) >= worker.worker_connections:
                self._end_idle_greenlets()
            try:
                handle(listener, client, address)
            finally:
                clients.pop(client, None)

        worker.handle = handle_with_room
        module: Any = sys.modules["gunicorn.workers.ggevent"]
        module.StreamServer = _that_can_be_refused(module.StreamServer, worker)
        if worker.server_class is not None:
            worker.server_class = _that_can_be_refused(worker.server_class, worker)
        worker.notify = _then(worker.notify, self._look_after_greenlets)

    def _look_after_greenlets(self) -> None:
        if self._retirement.ending_for:
            self._wait_for_greenlets()
        else:
            self._end_idle_greenlets()

    def _wait_for_greenlets(self) -> None:
        """Let the last clients be told, then end those that say nothing.

        Gunicorn itself looks once a second whether anybody is left.
        """
        until = time.monotonic() + 1.0
        while self._clients and time.monotonic() < until:
            if self._retirement.ending_for > KEEPALIVE_LINGER:
                self._cut_idle(len(self._clients), spare=self._retirement.may_be_asked)
            time.sleep(_STEP)  # gevent's: the others run

    def _end_idle_greenlets(self) -> None:
        too_many = len(self._clients) - self._worker.worker_connections + 1
        if too_many <= 0:
            return
        self._notice.say()
        # Some at once: finding them looks at all requests.
        self._cut_idle(max(too_many, self._worker.worker_connections // 50))

    def _cut_idle(self, most: int, *, spare: bool = False) -> None:
        """End as many connections that are in no request; *spare* those that never were."""
        running = (each for each in self._slot.owners if each is not None)
        busy = {id(each.environ.get("gunicorn.socket")) for each in running}
        for client, has_asked in list(self._clients.items()):
            if most and (has_asked or not spare) and id(client) not in busy and not has_spoken(client):
                most -= 1
                cut(client)  # which ends its greenlet's wait for a request


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


def _then(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both
