"""The clock a roll-out goes by: the machine's, or a simulated one."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only grow."""

    def now(self) -> float:
        """Return the time in seconds, from any origin."""

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass."""


class RealClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return the machine's monotonic time."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(max(0.0, seconds))


class SimulatedClock:
    """A clock that stands until somebody waits; it then is there at once."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the simulated time."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Be *seconds* later."""
        self._now += max(0.0, seconds)
