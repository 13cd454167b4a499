"""The end of one generation: drained, then told to stop, then killed if it does not."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from gunwale.runtime.scoreboard_watch import waited_for
from gunwale.serve.door import HeldDoor, refuse
from gunwale.serve.drain import SILENCE, accept_queue, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.serve.generation import Generation
    from gunwale.serve.supervisor import Supervisor

TICK = 0.02
QUIET = 0.1
"""Seconds for which nothing may be owed before the server is stopped."""
KILL_AFTER = 4.0
"""Seconds from SIGTERM to SIGKILL, for a server that has nothing left to do."""
MARGIN = 2.9
"""Seconds from the end of drain_timeout to SIGKILL at the latest: the platform's own comes at three."""
LINGER = 2.0
"""Seconds in which a keep-alive client of a generation that ends hears that its connection closes."""


class Ending:
    """Takes *generation* to its end and then calls *then*."""

    def __init__(self, serve: Supervisor, generation: Generation, then: Callable[[], None]) -> None:
        self.generation = generation
        self._by_server = self._is_told = False
        self._serve, self._then = serve, then
        self._began = self._deadline = time.monotonic()
        self._at_least = 0.0
        self._quiet_since: float | None = None

    def drain(self, timeout: float, at_least: float = 0.0, *, by_server: bool = False) -> None:
        """Wait until nobody is owed anything, *at_least* and at most *timeout* seconds, then stop.

        *by_server*: new connections come still, and only the server itself can stop accepting them.
        """
        self._began, self._by_server, self._at_least = time.monotonic(), by_server, at_least
        self._deadline = self._began + timeout
        self._check()

    def _later(self, what: str, seconds: float, action: Callable[[], None]) -> None:
        self._serve.later(f"{what} {self.generation.number}", seconds, action)

    def _check(self) -> None:
        now, owed = time.monotonic(), self._owed()
        if self._by_server and not self._is_told:
            self._refuse(now, owed)
        busy = waited_for(self._serve.board, self.generation.number)
        if busy > 0 or owed or now - self._began < self._at_least:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        is_quiet = self._quiet_since is not None and now - self._quiet_since >= QUIET
        if is_quiet or self.generation.is_gone:
            self._serve.say(f"generation {self.generation.number} drained in {now - self._began:.2f} s")
            self.stop(quick=self._by_server)
        elif now >= self._deadline:
            self._serve.say(f"drain_timeout: {busy} in requests; connections: {owed or 'none'}")
            self.stop(quick=True)
        else:
            self._later("drain", TICK, self._check)

    def _refuse(self, now: float, owed: str) -> None:
        """Refuse connections from the first moment at which nobody waits, and tell the server to stop.

        Refused, a client or proxy tries elsewhere; but what waits, or is about to, is reset by that.
        """
        has_time = now < (self._began + self._deadline) / 2
        waits = has_time and ("half open" in owed or any(map(accept_queue, self.generation.members)))
        for door, member in zip(self._serve.doors, self.generation.members, strict=True):
            if waits and not isinstance(door, HeldDoor):
                member.listen(0)  # whoever comes beside the next one is not heard yet, and asks again
            elif not isinstance(door, HeldDoor):
                refuse(member)
        if not waits:
            self._is_told, self._at_least = True, now - self._began + LINGER
            self.generation.signal(signal.SIGTERM)

    def _owed(self) -> str:
        try:
            is_over = time.monotonic() - self._began > SILENCE
            # A handshake half done by now is the next generation's, where there is one.
            late = ("silent",) if self.generation is self._serve.generation else ("silent", "half_open")
            owed = look(self.generation.members, late if is_over else ())
        except OSError:
            # sock_diag is not there: the scoreboard alone decides, or the server, by its end.
            return "unknown" if self._by_server else ""
        return str(owed._replace(queued=0) if self._is_told else owed)  # nobody accepts these any more

    def stop(self, *, quick: bool = False) -> None:
        """Tell the server to stop; *quick*: without waiting for requests, which are named in the log."""
        self._serve.forget(f"drain {self.generation.number}")
        if quick:
            self._name_cut()
        number = signal.Signals[self._serve.command["quick_signal"]] if quick else signal.SIGTERM
        self.generation.signal(number)
        patience = min(KILL_AFTER, self._deadline + MARGIN - time.monotonic())
        self._later("kill", 2.0 if quick else patience, self.generation.kill)
        self._later("end", 0.0, self._await_end)

    def _name_cut(self) -> None:
        for running in self._serve.board.running(self.generation.number):
            self._serve.counters["gunwale_requests_cut_total"] += 1
            where, seconds = f"in worker {running.pid}", time.monotonic() - running.started
            self._serve.say(f"cut: request {running.request_id or '?'} {where} after {seconds:.1f} s")

    def _await_end(self) -> None:
        # A container's network goes with PID 1: what the kernel still has to send would be lost.
        is_sending = "leaving" in self._owed() and time.monotonic() < self._deadline
        if not self.generation.is_gone or is_sending:
            # Who has kept a connection may have asked on it after the drain, as long as the server lingers.
            if self._quiet_since and waited_for(self._serve.board, self.generation.number):
                patience = min(KILL_AFTER, self._deadline + MARGIN - time.monotonic())
                self._later("kill", patience, self.generation.kill)
            self._later("end", TICK, self._await_end)
        else:
            self.generation.kill()
            self._serve.forget(f"kill {self.generation.number}")
            self._then()
