"""What a worker's watch tells of itself on the scoreboard, and what others make of it.

Four words of a slot, written by the watch alone. Each is void unless it is of the slot's present owner.
"""

from __future__ import annotations

import signal
from time import monotonic_ns
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gunwale.runtime.scoreboard import Scoreboard, Slot

_LOOKED, _OLDEST, _RETIRING, _STUCK = 28, 29, 30, 31
DUMP = signal.SIGRTMIN + 9
"""Makes a worker write the stacks of its threads, also while a C call holds the interpreter's lock."""
CRASH_LOOP = 6
"""Exit status of a server's master that has given its workers up: it is final."""
PATIENCE = 2.0
"""Seconds past request_timeout in which a worker's own watch can act."""
BLIND = 2.0
"""Seconds without a look after which a watch is taken to be held up: it looks twice a second."""

SECOND_LOOK = 0.8
"""Seconds for which it must have been seen blind: its observers look once a second."""


class Frozen(NamedTuple):
    """A worker that is past its deadline and cannot say so; *seconds* since anything moved in it."""

    pid: int
    seconds: float


class Marks:
    """The watch's pen."""

    def __init__(self, slot: Slot) -> None:
        self._words = slot._words  # noqa: SLF001 - its own part of the slot
        self._pid = slot._words[0]  # noqa: SLF001 - as above
        self._words[_STUCK] = 0
        self.looked(0)

    def looked(self, oldest: int) -> None:
        """Note a look, as of now; *oldest*: when the request that moved longest ago did, or 0."""
        self._words[_OLDEST] = oldest
        self._words[_LOOKED] = monotonic_ns()

    def retire(self) -> None:
        """Note that this worker accepts no more: another one is to take its place."""
        self._words[_RETIRING] = self._pid

    def stuck(self, requests: int) -> None:
        """Note how many of the running requests have been given up."""
        self._words[_STUCK] = requests


def retiring(board: Scoreboard, generation: int) -> set[int]:
    """Give the living workers of *generation* that accept no more."""
    words = _words(board, generation)
    return {pid for pid, own in words.items() if own[_RETIRING] == pid}


def stuck(board: Scoreboard, generation: int) -> int:
    """Count the requests of *generation* that were given up, and that nobody needs to wait for."""
    return sum(own[_STUCK] for pid, own in _words(board, generation).items() if own[_RETIRING] == pid)


def waited_for(board: Scoreboard, generation: int) -> int:
    """Count the requests of *generation* that run; what was given up, and runs on, ends with its process."""
    return board.busy(generation) - stuck(board, generation)


def frozen(board: Scoreboard, generation: int, patience: float) -> list[Frozen]:
    """Find the workers in which nothing has moved for *patience* seconds while their watch could not run.

    So it is where a call holds the interpreter's lock, and where the process is stopped. A worker is named
    at the second look only, SECOND_LOOK later: where all of us have been frozen and thawed, as by
    ``docker pause``, its watch has looked by then.
    """
    found = []
    now = monotonic_ns()
    running = board.running(generation)
    for pid, own in _words(board, generation).items():
        looked = own[_LOOKED]
        if looked < own[3] or now - looked < BLIND * 1e9:  # of the owner before, or fresh
            board.suspects.pop(pid, None)
            continue
        # What ran at the last look has moved at *oldest* or later, and what came after it at its start.
        moved = [max(each.started * 1e9, own[_OLDEST]) for each in running if each.pid == pid]
        since = min(moved, default=looked)
        if board.suspects.get(pid, (0, 0))[0] != looked:
            board.suspects[pid] = (looked, now)
        first_look = board.suspects[pid][1]
        if now - since > patience * 1e9 and now - first_look > SECOND_LOOK * 1e9:
            found.append(Frozen(pid, (now - since) / 1e9))
    return found


def _words(board: Scoreboard, generation: int) -> dict[int, memoryview[int]]:
    first = generation % 2 * board.slots
    found = {}
    for worker in board.workers(generation):
        start = board._offset(first + worker.slot) // 8  # noqa: SLF001 - one file, two modules
        found[worker.pid] = board._words[start : start + 32]  # noqa: SLF001 - as above
    return found
