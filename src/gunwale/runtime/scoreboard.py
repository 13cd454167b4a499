"""What every worker is doing, in one memory file that the supervisor and all workers map.

A slot belongs to the process that holds the POSIX record lock on the slot's first byte:
the kernel frees it at death, so a killed worker's running requests vanish by themselves.
Each worker writes its own slot only, in aligned eight-byte stores, and no reader ever waits.
The request counters of a slot only grow, whoever owns it: totals are plain sums.

Record locks have one trap (fcntl(2)): a process loses them all when it closes *any* of its
descriptors of that file. So a process attaches once and never closes.
"""

from __future__ import annotations

import fcntl
import os
import struct
from _thread import allocate_lock
from bisect import bisect_left
from enum import IntEnum
from mmap import mmap
from time import monotonic_ns
from typing import Any, NamedTuple

__all__ = [
    "BUCKETS",
    "FAILED",
    "OK",
    "UNCHECKED",
    "UNKNOWN",
    "Health",
    "Running",
    "Scoreboard",
    "Slot",
    "State",
    "Totals",
    "Worker",
]

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the duration histogram, in seconds; one more bucket is unbounded."""

_BOUNDS = [int(bound * 1e9) for bound in BUCKETS]
ID_BYTES = 56
UNKNOWN, OK, FAILED, UNCHECKED = 0, 1, 2, 3
"""Results of a generation's checks: none yet, well, not well, and: there is nothing to check."""
_RANGES = 2  # a reload runs two generations at once
_PAGE = 4096
_MAGIC = 0x67756E77616C6531

# Words of the header page.
_H_MAGIC, _H_SLOTS, _H_ENTRIES, _H_STATE, _H_SINCE, _H_TARGETS, _H_CLOSING = 0, 1, 2, 3, 4, 6, 8
# A health record per range: sequence, status, checked_at, length, then the detail's bytes.
_HEALTH_AT, _HEALTH_SIZE, _DETAIL = 512, 512, 240
# Words of a slot.
_PID, _GENERATION, _BOOTED, _SINCE, _CLASSES, _SUM, _HISTOGRAM = 0, 1, 2, 3, 4, 9, 10
_OVERFLOW, _AT_CLAIM, _SLOT_WORDS = 23, 24, 32
_STATUSES = {status: _CLASSES + status // 100 - 1 for status in range(100, 600)}
_SERVER_ERRORS = _CLASSES + 4  # what no status of RFC 9110 §15 is, is the application's fault
_RECORD = struct.Struct(f"@Q{ID_BYTES}s")  # of a running request: its start and its id
_RECORD_BYTES = _RECORD.size
_RECORD_WORDS = _RECORD_BYTES // 8
_write_record = _RECORD.pack_into
_FLOCK = struct.Struct("hhqqi4x")  # struct flock with 64-bit off_t


class State(IntEnum):
    """Where serve as a whole stands; workers read it on every request."""

    STARTING = 0
    SERVING = 1
    LAME_DUCK = 2
    DRAINING = 3
    STOPPING = 4


class Health(NamedTuple):
    """The latest result of a generation's checks; *checked_at* by time.monotonic(), 0 for never."""

    status: int  # UNKNOWN, OK, FAILED or UNCHECKED
    checked_at: float
    detail: str


class Worker(NamedTuple):
    """A living worker; *since* by time.monotonic(), *requests* since it claimed its slot."""

    slot: int
    pid: int
    booted: bool
    since: float
    busy: int
    requests: int


class Running(NamedTuple):
    """A request that a worker is busy with; *started* by time.monotonic()."""

    pid: int
    request_id: str
    started: float


class Totals(NamedTuple):
    """Sums over all slots since the scoreboard was made; *seconds* is the sum of durations."""

    requests: int
    by_class: tuple[int, ...]
    seconds: float
    histogram: tuple[int, ...]


def _slot_size(entries: int) -> int:
    size = _SLOT_WORDS * 8 + -(-entries // 8) * 8 + entries * _RECORD_BYTES
    return -(-size // _PAGE) * _PAGE


class Scoreboard:
    """The whole memory file; *fd* is what other processes attach to."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap(fd, 0)
        self._bytes = memoryview(self._map)
        self._words = self._bytes.cast("Q")
        if self._words[_H_MAGIC] != _MAGIC:
            raise ValueError("not a scoreboard of this version of gunwale")
        self.slots = self._words[_H_SLOTS]
        self.entries = self._words[_H_ENTRIES]
        self._size = _slot_size(self.entries)
        self._closing = _H_CLOSING  # of the own range, once a slot is claimed
        self.suspects: dict[int, tuple[int, int]] = {}  # scoreboard_watch.frozen()'s own

    @classmethod
    def create(cls, *, slots: int, entries: int) -> Scoreboard:
        """Make one for *slots* workers a generation, *entries* requests at once in each.

        The file is sparse: only the pages that are written take memory. It has no name that could be
        removed, and nobody can cut it short, which would end every process that maps it by SIGBUS.
        """
        fd = os.memfd_create("gunwale-scoreboard", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, _PAGE + _RANGES * slots * _slot_size(entries))
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        os.pwrite(fd, struct.pack("=QQQ", _MAGIC, slots, entries), 0)
        return cls(fd)

    @classmethod
    def attach(cls, fd: int) -> Scoreboard:
        """Map an inherited descriptor; once in a process."""
        return cls(fd)

    @property
    def state(self) -> State:
        """Where serve stands."""
        # A worker could write nonsense here, and must not end the supervisor by it.
        return State(min(self._words[_H_STATE], State.STOPPING))

    @state.setter
    def state(self, state: State) -> None:
        self._words[_H_SINCE] = monotonic_ns()
        self._words[_H_STATE] = state

    @property
    def is_draining(self) -> bool:
        """From the first moment of the lame duck on."""
        return self._words[_H_STATE] >= 2

    @property
    def is_closing(self) -> bool:
        """Whether the claimed slot's generation closes each connection after its response.

        From the lame duck on, and after a reload in the generation that was replaced, which still says ready.
        """
        return self._words[_H_STATE] >= 2 or self._words[self._closing] != 0

    def is_ending(self, generation: int) -> bool:
        """Whether *generation*, of which no slot needs to be claimed, closes its connections."""
        return self._words[_H_STATE] >= 2 or self._words[_H_CLOSING + generation % _RANGES] != 0

    def close_connections(self, generation: int) -> None:
        """Let *generation* close its connections: another one gets the new ones."""
        self._words[_H_CLOSING + generation % _RANGES] = 1

    def retire(self) -> None:
        """Let this process close its connections from now on: it accepts no more."""
        self._closing = _H_MAGIC  # a word that is never zero

    def target(self, generation: int) -> int:
        """How many workers the generation should have."""
        return self._words[_H_TARGETS + generation % _RANGES]

    def set_target(self, generation: int, workers: int) -> None:
        """Ask the generation's server for so many workers."""
        self._words[_H_TARGETS + generation % _RANGES] = workers

    def claim(self, generation: int) -> Slot:
        """Take the first free slot of *generation*, after fork: record locks are not inherited."""
        first = generation % _RANGES * self.slots
        for index in range(self.slots):
            try:
                fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self._offset(first + index))
            except OSError:
                continue
            self._closing = _H_CLOSING + generation % _RANGES
            return Slot(self, index, self._offset(first + index), generation)
        raise RuntimeError(f"all {self.slots} slots of the scoreboard are taken")

    def workers(self, generation: int) -> list[Worker]:
        """The living workers of *generation*, booting ones too."""
        found = []
        first = generation % _RANGES * self.slots
        for index in range(self.slots):
            offset = self._offset(first + index)
            word = offset // 8
            words = self._words
            if not self._is_held(offset) or words[word + _GENERATION] != generation:
                continue
            found.append(
                Worker(
                    index,
                    words[word + _PID],
                    bool(words[word + _BOOTED]),
                    words[word + _SINCE] / 1e9,
                    self._busy_bytes(offset).count(1) + words[word + _OVERFLOW],
                    sum(words[word + _CLASSES : word + _SUM]) - words[word + _AT_CLAIM],
                )
            )
        return found

    def busy(self, generation: int) -> int:
        """How many requests the living workers of *generation* are in."""
        return sum(worker.busy for worker in self.workers(generation))

    def running(self, generation: int) -> list[Running]:
        """Every request that *generation* is in, the oldest first; those past the table are left out."""
        found = []
        first = generation % _RANGES * self.slots
        for worker in self.workers(generation):
            offset = self._offset(first + worker.slot)
            records = offset + self._records
            busy = self._busy_bytes(offset)
            for entry in range(self.entries):
                if busy[entry]:
                    started, name = _RECORD.unpack_from(self._bytes, records + entry * _RECORD_BYTES)
                    # 0: that request has just ended, and the entry's next one is being written.
                    if started:
                        request_id = name.rstrip(b"\0").decode("utf-8", "replace")
                        found.append(Running(worker.pid, request_id, started / 1e9))
        return sorted(found, key=lambda running: running.started)

    def totals(self) -> Totals:
        """The counters of all slots, dead owners' included."""
        counts = [0] * (_OVERFLOW - _CLASSES)
        for slot in range(_RANGES * self.slots):
            word = self._offset(slot) // 8
            for index, value in enumerate(self._words[word + _CLASSES : word + _OVERFLOW]):
                counts[index] += value
        by_class = tuple(counts[: _SUM - _CLASSES])
        histogram = tuple(counts[_HISTOGRAM - _CLASSES :])
        return Totals(sum(by_class), by_class, counts[_SUM - _CLASSES] / 1e9, histogram)

    def health(self, generation: int) -> Health:
        """The latest result of the generation's checks."""
        at = _HEALTH_AT + generation % _RANGES * _HEALTH_SIZE
        word = at // 8
        for _ in range(100):
            sequence = self._words[word]
            status, checked_at, length = self._words[word + 1 : word + 4]
            detail = bytes(self._bytes[at + 32 : at + 32 + min(length, _DETAIL)])
            # An odd or changed number: the writer was in the middle of it.
            if sequence % 2 == 0 and sequence == self._words[word]:
                return Health(status, checked_at / 1e9, detail.decode("utf-8", "replace"))
        return Health(0, 0.0, "")

    def write_health(self, generation: int, status: int, detail: str) -> None:
        """Record a check's result, as of now."""
        at = _HEALTH_AT + generation % _RANGES * _HEALTH_SIZE
        word = at // 8
        encoded = detail.encode()[:_DETAIL]
        # A writer that died half way left an odd number: the next odd one starts from there.
        sequence = self._words[word] | 1
        self._words[word] = sequence
        self._bytes[at + 32 : at + 32 + len(encoded)] = encoded
        self._words[word + 1] = status
        self._words[word + 2] = monotonic_ns() if status else 0
        self._words[word + 3] = len(encoded)
        self._words[word] = sequence + 1

    def reset(self, generation: int) -> None:
        """Forget what the header says of the generation that used the range before."""
        self._words[_H_CLOSING + generation % _RANGES] = 0
        self.write_health(generation, UNKNOWN, "")

    @property
    def _records(self) -> int:
        return _SLOT_WORDS * 8 + -(-self.entries // 8) * 8

    def _offset(self, slot: int) -> int:
        return _PAGE + slot * self._size

    def _busy_bytes(self, offset: int) -> bytes:
        start = offset + _SLOT_WORDS * 8
        return bytes(self._bytes[start : start + self.entries])

    def _is_held(self, offset: int) -> bool:
        pid = self._words[offset // 8]
        if pid == 0:
            return False
        if pid == os.getpid():
            return True  # F_GETLK does not report the caller's own locks
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0)
        kind: int = _FLOCK.unpack(fcntl.fcntl(self.fd, fcntl.F_GETLK, asked))[0]
        return kind != fcntl.F_UNLCK


class Slot:
    """One worker's part of the scoreboard, written by that worker only."""

    def __init__(self, scoreboard: Scoreboard, index: int, offset: int, generation: int) -> None:
        self.index = index
        self.scoreboard = scoreboard
        self.generation = generation
        entries = scoreboard.entries
        view = scoreboard._bytes[offset : offset + scoreboard._size]  # noqa: SLF001 - the slot is its part
        self._words = view[: _SLOT_WORDS * 8].cast("Q")
        self._busy = view[_SLOT_WORDS * 8 : _SLOT_WORDS * 8 + entries]
        records = view[scoreboard._records : scoreboard._records + entries * _RECORD_BYTES]  # noqa: SLF001
        self._records = records
        self._starts = records.cast("Q")
        # Threads take and give back entries by list.pop and append, which are atomic: no lock on that path.
        self._free = list(range(entries - 1, -1, -1))
        # What runs in each entry, for this process's own watch; the last one is for entry -1.
        self.owners: list[Any] = [None] * (entries + 1)
        self._lock = allocate_lock()
        self._acquire, self._release = self._lock.acquire, self._lock.release
        self._words[_PID] = 0
        self._busy[:] = bytes(entries)
        self._words[_OVERFLOW] = 0
        self._words[_GENERATION] = generation
        self._words[_BOOTED] = 0
        self._words[_SINCE] = monotonic_ns()
        self._words[_AT_CLAIM] = sum(self._words[_CLASSES:_SUM])
        self._words[_PID] = os.getpid()

    def booted(self) -> None:
        """Say that the application is loaded and this worker is about to accept."""
        self._words[_BOOTED] = 1

    def begin(self, request_id: str, started: int) -> int:
        """Note a request's start, by time.monotonic_ns(); the entry to end it by."""
        try:
            entry = self._free.pop()
        except IndexError:  # more requests at once than entries: counted, not named
            with self._lock:
                self._words[_OVERFLOW] += 1
            return -1
        # Cuts a longer id, fills up a shorter one with zeros.
        _write_record(self._records, entry * _RECORD_BYTES, started, request_id.encode())
        self._busy[entry] = 1
        return entry

    def end(self, entry: int, status: int, taken: int) -> None:
        """Note a request's end: its status class and its duration in nanoseconds."""
        words = self._words
        if entry >= 0:
            self._busy[entry] = 0
            self._free.append(entry)
        self._acquire()  # bound beforehand, not "with": a tenth of a microsecond a request
        try:
            if entry < 0:
                words[_OVERFLOW] -= 1
            words[_STATUSES.get(status, _SERVER_ERRORS)] += 1
            words[_SUM] += taken
            words[_HISTOGRAM + bisect_left(_BOUNDS, taken)] += 1
        finally:
            self._release()

    def entries(self) -> list[tuple[int, int]]:
        """What runs now: its entry, and when it began (time.monotonic_ns())."""
        return [
            (entry, self._starts[entry * _RECORD_WORDS])
            for entry, busy in enumerate(bytes(self._busy))
            if busy
        ]

    def served(self) -> int:
        """How many have ended since this process claimed the slot."""
        return int(sum(self._words[_CLASSES:_SUM])) - int(self._words[_AT_CLAIM])

    def count(self) -> int:
        """How many run now, those past the table too."""
        return bytes(self._busy).count(1) + int(self._words[_OVERFLOW])

    def release(self, entry: int) -> None:
        """Take back what begin() noted, and count nothing: no request, but something that is owed."""
        if entry < 0:
            with self._lock:
                self._words[_OVERFLOW] -= 1
            return
        self._busy[entry] = 0
        self._free.append(entry)

    def write_health(self, status: int, detail: str) -> None:
        """Record the result of this generation's checks."""
        self.scoreboard.write_health(self.generation, status, detail)
