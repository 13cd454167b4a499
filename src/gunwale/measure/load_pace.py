"""How a slow client is slow: bytes pass in pieces, so many a second and no more."""

from __future__ import annotations

import heapq
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.measure.load_exchange import Exchange

Seconds = float

PIECES_A_SECOND = 10
# Without a limit the kernel takes megabytes for a reader that reads nothing, and no server notices one.
# It doubles what is asked for (socket(7), SO_RCVBUF), and grows it no more.
RECEIVE_BUFFER = 16 * 1024


class Pace:
    """When the next piece of a stream may pass, and how large it is."""

    __slots__ = ("_rate", "next_at", "piece")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.piece = max(1, rate // PIECES_A_SECOND)
        self.next_at: Seconds = 0.0

    def passed(self, count: int, now: Seconds) -> None:
        """Take note of *count* bytes that have just passed; time that was not used is not made up for."""
        self.next_at = max(self.next_at, now) + count / self._rate


class Pauses:
    """The exchanges whose pace holds them up, in the order in which they may go on."""

    def __init__(self) -> None:
        self._heap: list[tuple[Seconds, str, Exchange]] = []

    def add(self, exchange: Exchange, now: Seconds) -> None:
        """Remember a paced exchange, if its pace holds it up at *now* and it is not remembered yet."""
        resumes = exchange.resumes_at(now)
        if resumes is not None and not exchange.is_paused:
            exchange.is_paused = True
            heapq.heappush(self._heap, (resumes, exchange.id, exchange))

    def next_at(self) -> Seconds:
        """Return when the next may go on."""
        return self._heap[0][0] if self._heap else math.inf

    def due(self) -> Iterator[Exchange]:
        """Yield those that may go on now, and have not ended."""
        now = time.monotonic()
        while self.next_at() <= now:
            exchange = heapq.heappop(self._heap)[2]
            exchange.is_paused = False
            if exchange.outcome is None:
                yield exchange
