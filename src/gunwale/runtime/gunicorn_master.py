"""What the Gunicorn master decides under gunwale: who is replaced, when, and when it is enough.

Gunicorn alone starts a crashed worker again at once, forever, and ends as a whole when a replacement fails
to boot, healthy workers included. This part needs no import of Gunicorn: it stands before its Arbiter.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from gunwale.runtime.scoreboard_watch import CRASH_LOOP, DUMP, PATIENCE, frozen, retiring

if TYPE_CHECKING:
    from gunwale.runtime.supervised import Supervised

EARLY = 10.0
"""Seconds a worker must live for its death not to be one of a loop."""
DEATHS, DEATHS_WITHIN = 5, 60.0
LEAST_WAIT, MOST_WAIT = 0.1, 10.0
BOOT_FAILURES = {3, 4}  # Arbiter.WORKER_BOOT_ERROR and APP_LOAD_ERROR


class Policies:
    """Stands before gunicorn.arbiter.Arbiter among a class's bases."""

    supervised: Supervised
    log: Any
    cfg: Any
    WORKERS: dict[int, Any]
    num_workers: int
    timeout: float

    def begin_policies(self) -> None:
        """Set up; once the Arbiter is."""
        self._retiring: set[int] = set()
        self._born: dict[int, float] = {}
        self._told: set[int] = set()
        self._deaths: list[float] = []
        self._hold_until = 0.0
        if self.timeout:
            # The watch in the worker is exact, and knows what still moves; this one is for what has none.
            self.timeout += 10

    def manage_workers(self) -> None:
        """Have as many workers as the supervisor wants, beside those that accept no more."""
        supervised = self.supervised
        target = supervised.board.target(supervised.generation)
        # A dead worker is none of the scoreboard's before it is reaped: so what was seen once stays.
        self._retiring |= retiring(supervised.board, supervised.generation)
        self._retiring &= self.WORKERS.keys()
        # At most as many again: a reload takes that much too, so memory has been counted on.
        wanted = target + min(len(self._retiring), target)
        if target and wanted != self.num_workers:
            self.num_workers = wanted
        super().manage_workers()  # type: ignore[misc]  # the Arbiter's

    def spawn_workers(self) -> None:
        """Start what is missing, unless workers die in a loop and it is too early."""
        if monotonic() >= self._hold_until:
            super().spawn_workers()  # type: ignore[misc]  # the Arbiter's

    def spawn_worker(self) -> int:
        """Start one, and know when."""
        pid: int = super().spawn_worker()  # type: ignore[misc]  # the Arbiter's
        self._born[pid] = monotonic()
        return pid

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Wait no longer than until the next worker may be started."""
        left = self._hold_until - monotonic()
        wait = min(timeout, max(left, 0.01)) if left > 0 else timeout
        found: list[int] = super().wait_for_signals(timeout=wait)  # type: ignore[misc]  # the Arbiter's
        return found

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001, FBT002 - the Arbiter's signature
        """Wait for workers that were asked something in their last second; the supervisor ends it in time."""
        if self.supervised.board.is_ending(self.supervised.generation):
            limit = max(self.cfg.graceful_timeout, math.ceil(self.supervised.plan["serve.drain_timeout"]))
            self.cfg.set("graceful_timeout", limit)
        super().stop(graceful)  # type: ignore[misc]  # the Arbiter's

    def kill_worker(self, pid: int, sig: int) -> None:
        """Tell a worker; its end is expected then."""
        self._told.add(pid)
        super().kill_worker(pid, sig)  # type: ignore[misc]  # the Arbiter's

    def murder_workers(self) -> None:
        """End workers that cannot end themselves: a call holds the interpreter's lock past the deadline."""
        supervised = self.supervised
        patience = supervised.plan["serve.request_timeout"] + PATIENCE
        for pid, seconds in frozen(supervised.board, supervised.generation, patience):
            if pid not in self.WORKERS:
                continue
            running = supervised.board.running(supervised.generation)
            ids = [each.request_id or "?" for each in running if each.pid == pid]
            self.log.critical(
                "Worker (pid:%s) is frozen: nothing has moved for %.1f s, and no Python code can run in it."
                " It is killed; lost with it: %s; its stacks:",
                pid,
                seconds,
                ", ".join(ids),
            )
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, DUMP)
                sleep(0.3)  # so that it can write
                self.kill_worker(pid, signal.SIGKILL)
        super().murder_workers()  # type: ignore[misc]  # the Arbiter's

    def reap_workers(self) -> None:
        """Take the dead away, and judge how they died."""
        statuses = {pid: status for pid in self.WORKERS if (status := _peek(pid)) is not None}
        while True:
            try:
                super().reap_workers()  # type: ignore[misc]  # the Arbiter's
                break
            except _halt() as halt:
                if halt.exit_status not in BOOT_FAILURES or not self._others_serve():
                    raise
                self.log.warning("A worker failed to boot (%s); the others serve on", halt.reason)
        for pid, status in statuses.items():
            self._judge(pid, status)

    def _others_serve(self) -> bool:
        board, generation = self.supervised.board, self.supervised.generation
        return any(each.booted and each.pid in self.WORKERS for each in board.workers(generation))

    def _judge(self, pid: int, status: int) -> None:
        now = monotonic()
        lived = now - self._born.pop(pid, 0.0)
        expected = pid in self._told or not status
        self._told.discard(pid)
        if expected or lived > EARLY:
            return
        self._deaths = [*(death for death in self._deaths if death > now - DEATHS_WITHIN), now]
        count = len(self._deaths)
        is_proven = any(now - self._born.get(each, now) > EARLY for each in self.WORKERS)
        if count >= DEATHS and not is_proven:
            reason = f"{count} workers died within {EARLY:.0f} s of their start, in {DEATHS_WITHIN:.0f} s"
            raise _halt()(reason, CRASH_LOOP)
        wait = min(LEAST_WAIT * 2 ** (count - 1), MOST_WAIT)
        self._hold_until = now + wait
        self.log.warning(
            "Worker (pid:%s) died %.1f s after its start, %s of %s; the next one starts in %.1f s",
            pid,
            lived,
            count,
            DEATHS,
            wait,
        )


def _halt() -> type[Any]:
    from gunicorn.errors import HaltServer

    return HaltServer  # type: ignore[no-any-return]


def _peek(pid: int) -> int | None:
    """How a child ended, as subprocess has it, and leave it to be reaped; None: it lives."""
    try:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
