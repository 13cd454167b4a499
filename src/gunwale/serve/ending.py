"""The end of one generation: drained, then told to stop, then killed if it does not."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from gunwale.runtime.scoreboard_watch import stuck
from gunwale.serve.drain import SILENCE, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.serve.generation import Generation
    from gunwale.serve.supervisor import Supervisor

TICK = 0.02
QUIET = 0.1
"""Seconds for which nothing may be owed before the server is stopped."""
KILL_AFTER = 3.0
"""Seconds from SIGTERM to SIGKILL, for a server that has nothing left to do."""


class Ending:
    """Takes *generation* to its end and then calls *then*."""

    def __init__(self, serve: Supervisor, generation: Generation, then: Callable[[], None]) -> None:
        self.generation = generation
        self._serve, self._then = serve, then
        self._began = self._deadline = time.monotonic()
        self._at_least = 0.0
        self._quiet_since: float | None = None

    def drain(self, timeout: float, at_least: float = 0.0) -> None:
        """Wait until nobody is owed anything, *at_least* and at most *timeout* seconds, then stop."""
        self._began = time.monotonic()
        self._at_least = at_least
        self._deadline = self._began + timeout
        self._check()

    def _later(self, what: str, seconds: float, action: Callable[[], None]) -> None:
        self._serve.later(f"{what} {self.generation.number}", seconds, action)

    def _check(self) -> None:
        now = time.monotonic()
        board, number = self._serve.board, self.generation.number
        # What was given up, and runs on, ends with the process: nobody waits for it.
        owed, busy = self._owed(), board.busy(number) - stuck(board, number)
        if busy > 0 or owed or now - self._began < self._at_least:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        if self._quiet_since is not None and now - self._quiet_since >= QUIET:
            self._serve.say(f"generation {number} drained in {now - self._began:.2f} s")
            self.stop()
        elif now >= self._deadline:
            self._serve.say(f"drain_timeout: {busy} in requests; connections: {owed or 'none'}")
            self.stop(quick=True)
        else:
            self._later("drain", TICK, self._check)

    def _owed(self) -> str:
        try:
            over = time.monotonic() - self._began > SILENCE
            return str(look(self.generation.members, silence_over=over))
        except OSError:
            return ""  # sock_diag is not there: the scoreboard alone decides

    def stop(self, *, quick: bool = False, grace: float = KILL_AFTER) -> None:
        """Tell the server to stop; *quick*: without waiting for requests, which are named in the log."""
        self._serve.forget(f"drain {self.generation.number}")
        if quick:
            self._name_cut()
        number = signal.Signals[self._serve.command["quick_signal"]] if quick else signal.SIGTERM
        self.generation.signal(number)
        self._later("kill", 1.0 if quick else grace, self.generation.kill)
        self._later("end", 0.0, self._await_end)

    def _name_cut(self) -> None:
        now = time.monotonic()
        for running in self._serve.board.running(self.generation.number):
            self._serve.counters["gunwale_requests_cut_total"] += 1
            name, seconds = running.request_id or "?", now - running.started
            self._serve.say(f"cut: request {name} in worker {running.pid} after {seconds:.1f} s")

    def _await_end(self) -> None:
        # A container's network goes with PID 1: what the kernel still has to send would be lost.
        is_sending = "leaving" in self._owed() and time.monotonic() < self._deadline
        if not self.generation.is_gone or is_sending:
            self._later("end", TICK, self._await_end)
        else:
            self.generation.kill()
            self._serve.forget(f"kill {self.generation.number}")
            self._then()
