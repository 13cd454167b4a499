"""Lines for the log that are true for a while, and said once a minute at most."""

from __future__ import annotations

from time import monotonic

from gunwale.runtime.access_log import say

EVERY = 60.0


class Notice:
    """One such line."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._next = 0.0

    def say(self) -> None:
        """Say it, unless it has just been said."""
        now = monotonic()
        if now >= self._next:
            self._next = now + EVERY
            say(self._message)
