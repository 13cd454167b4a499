"""What a Gunicorn worker does about its deadline: end one request, or retire with the others intact."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import traceback
from time import monotonic
from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import (
    LOOK,
    Stuck,
    Watch,
    cut,
    is_given_up,
    leave_soon,
    mark_given_up,
    register_dump,
    say,
)

if TYPE_CHECKING:
    from gunicorn.workers.base import Worker

    from gunwale.runtime.supervised import Supervised

LINGER = 2.5
"""Seconds in which a keep-alive client's next request is still answered, with "Connection: close"."""
SILENCE = 5.0
"""Seconds in which a client that never said anything is heard by a worker that ends: the drain's, too."""
MARGIN = 5
"""Seconds more than drain_timeout that a retiring worker has for its other requests."""


def watch(supervised: Supervised, arbiter: Any, worker: Worker) -> Retirement:
    """Start the deadline's watch of this process; in post_fork, when the slot is claimed."""
    register_dump()
    timeout = supervised.plan["serve.request_timeout"]
    assert supervised.slot is not None
    retirement = Retirement(supervised, arbiter, worker, timeout)
    Watch(supervised.slot, timeout, retirement).start()
    return retirement


class Retirement:
    """A worker's end before its time: no request accepted, none lost, and another worker in its place."""

    def __init__(self, supervised: Supervised, arbiter: Any, worker: Worker, timeout: float) -> None:
        self._supervised, self._arbiter, self._worker = supervised, arbiter, worker
        self._hub: Any = None
        self._has_turned = True
        self._is_held_up = False
        self._since = 0.0
        self._told_at = 0.0
        self._quiet_since = 0.0
        self._stuck = 0
        self.ends_idle = False
        own = worker.cfg.graceful_timeout
        # Whoever recycles this worker (max_requests, TTOU, we) has its requests finish first. Gunicorn's own
        # limit, which cuts them after *own* seconds, is for the end of a drain: nobody is owed anything then,
        # but a thread or a greenlet may just have been asked on a connection that was kept.
        self._limit = math.ceil(max(timeout, supervised.plan["serve.drain_timeout"])) + MARGIN
        worker.cfg.set("graceful_timeout", self._limit)
        theirs = worker.handle_exit

        def handle_exit(number: int, frame: Any) -> None:
            if not self._since and supervised.board.is_closing:
                if not self.ends_idle:
                    worker.cfg.set("graceful_timeout", own)
                self._told_at = monotonic()
            theirs(number, frame)

        worker.handle_exit = handle_exit
        self._end_only_what_is_given_up()

    def _end_only_what_is_given_up(self) -> None:
        # Between our signal and its handler a request can have ended, and another begun; and a machine under
        # load holds a loop up as a stuck greenlet does. The handler runs in what is to end, and sees it.
        theirs = self._worker.handle_abort
        self._is_ours = False

        def handle_abort(number: int, frame: Any) -> None:
            is_ours, self._is_ours = self._is_ours, False
            if not is_ours or is_given_up(frame):
                theirs(number, frame)

        self._worker.handle_abort = handle_abort

    def _abort(self) -> None:
        self._is_ours = True
        os.kill(os.getpid(), signal.SIGABRT)

    @property
    def ending_for(self) -> float:
        """Seconds since the supervisor told this worker to end with its generation; 0 before."""
        return monotonic() - self._told_at if self._told_at else 0.0

    @property
    def may_be_asked(self) -> bool:
        """Whether who has connected and said nothing is heard yet; a drain from outside has waited."""
        is_late = self._supervised.plan["serve.steers"] or self.ending_for > SILENCE
        return not (self._told_at and is_late)

    @property
    def _is_sync(self) -> bool:
        return not hasattr(self._worker, "tpool") and not hasattr(self._worker, "worker_connections")

    def connection(self, environ: dict[str, Any]) -> Any:
        """Give the request's socket."""
        return environ.get("gunicorn.socket")

    def give_up(self, stuck: Stuck) -> None:
        """End the request alone where that can be done.

        A greenlet can be ended, and the one request of a sync worker by Gunicorn's own signal, whose
        SystemExit runs the application's clean-up and answers 500. A thread cannot; but where it waits for
        its client, ending the connection ends the wait.
        """
        mark_given_up(stuck.exchange)
        if self._is_sync:
            self._abort()
            return
        cut(stuck.exchange.environ.get("gunicorn.socket"))
        if "gevent" in type(self._worker).__module__ or hasattr(self._worker, "timeout_ctx"):
            self._end_greenlet(stuck.greenlet)

    def _end_greenlet(self, greenlet: Any) -> None:
        if self._hub is None:
            return
        if hasattr(greenlet, "kill"):
            self._hub.loop.run_callback_threadsafe(lambda: greenlet.kill(block=False))

    def is_held_up(self) -> bool:
        """Ask gevent's loop for a sign of life; the answer: whether the last one has come."""
        if self._hub is None:
            return False
        self._is_held_up = not self._has_turned
        if self._has_turned:
            self._has_turned = False
            self._hub.loop.run_callback_threadsafe(self._turn)
        return self._is_held_up

    def _turn(self) -> None:
        self._has_turned = True

    def booted(self) -> None:
        """Remember what only the main thread can tell; in post_worker_init."""
        if hasattr(self._worker, "timeout_ctx"):
            with contextlib.suppress(ImportError):
                from gevent import get_hub

                self._hub = get_hub()

    def retire(self, stuck: int) -> None:
        """Accept no more; the threads that are stuck are written off."""
        if not self._since:
            self._since = monotonic()
            self._supervised.board.retire()
            if stuck:
                say(f"this worker accepts no more, and ends after its other requests: {stuck} are stuck")
                os.kill(os.getpid(), signal.SIGTERM)
            if os.getppid() == self._worker.ppid:
                os.kill(self._worker.ppid, signal.SIGTTIN)  # look at the scoreboard: another worker is needed
            leave_soon(self._limit + LINGER)
        if stuck and self._is_held_up:
            # The stuck greenlet runs and keeps the loop from all others: SystemExit ends that one only.
            self._abort()
        pool = getattr(self._worker, "tpool", None)
        if pool is not None and stuck > self._stuck:
            # What was accepted may wait for a thread in the pool's queue.
            pool._max_workers += stuck - self._stuck  # noqa: SLF001 - there is no public way
            for _ in range(stuck - self._stuck):
                pool._adjust_thread_count()  # noqa: SLF001 - as above
        self._stuck = stuck

    def turn(self, running: int, stuck: int) -> bool:
        """Leave when only what is stuck is left; the answer: whether Gunicorn has ended the loop itself."""
        if self._is_sync and running > stuck and not stuck:
            self._worker.tmp.notify()  # Gunicorn's limit knows nothing of responses that move
        if self._since and stuck and self._is_over(running, stuck):
            self._leave()
        return not self._worker.alive

    def _is_over(self, running: int, stuck: int) -> bool:
        if self._is_sync:
            return True
        if monotonic() - self._since > 2 * LOOK and self._is_held_up:
            self._name_lost()
            return True
        connections = getattr(self._worker, "nr_conns", None)
        if connections is not None:
            return bool(connections <= stuck)
        if running > stuck:
            self._quiet_since = 0.0
        elif not self._quiet_since:
            self._quiet_since = monotonic()
        return bool(self._quiet_since) and monotonic() - self._quiet_since > LINGER

    def _name_lost(self) -> None:
        owners = self._supervised.slot.owners if self._supervised.slot else []
        ids = sorted(each.request_id for each in owners if each is not None)
        say(f"the event loop cannot be freed: lost with this worker are {', '.join(ids)}")

    def _leave(self) -> None:
        # Not by sys.exit: concurrent.futures would wait for the stuck threads.
        leave_soon(3.0)
        try:
            self._worker.cfg.worker_exit(self._arbiter, self._worker)
        except Exception:  # noqa: BLE001 - the user's own hook may raise anything
            say("worker_exit failed:\n" + traceback.format_exc())
        os._exit(0)
