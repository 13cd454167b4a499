"""What is kept of a load of any length: counts by outcome, a histogram of lags, and where records go."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, overload

from gunwale.measure.load_report import Outcome, Record, Seconds, row_of

_STEP = math.log(1.02)  # buckets are 2 % wide
_LEAST = 1e-6  # seconds
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Histogram:
    """Durations in buckets of 2 %, so that a day of them takes no more memory than a minute."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.most: Seconds = 0.0

    def add(self, duration: Seconds) -> None:
        """Count one; what is not above a microsecond counts as none."""
        self._buckets[math.ceil(math.log(duration / _LEAST) / _STEP) if duration > _LEAST else 0] += 1
        self.most = max(self.most, duration)

    def percentile(self, share: float) -> Seconds:
        """Return what *share* (0 to 1) of them stayed within: at most 2 % too much, never too little."""
        wanted = max(1, math.ceil(share * self._buckets.total()))
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                return min(_LEAST * math.exp(bucket * _STEP), self.most) if bucket else 0.0
        return 0.0


class Tally:
    """Takes each record as it ends."""

    def __init__(self, spool: str) -> None:
        self.lags = Histogram()
        self.outcomes: Counter[Outcome] = Counter()
        self._kept: list[Record] = []
        self._spool = spool
        self._file: TextIO | None = None
        if spool:
            self._file = Path(spool).open("w", encoding="ascii")  # noqa: SIM115 - records() closes it

    @property
    def failed(self) -> int:
        """How many have not ended well."""
        return self.outcomes.total() - self.outcomes[Outcome.OK]

    def add(self, record: Record) -> None:
        """Count a record and keep it."""
        self.outcomes[record.outcome] += 1
        if self._file is None:
            self._kept.append(record)
        else:
            self._file.write(_encode(row_of(record)) + "\n")

    def records(self) -> Sequence[Record]:
        """Return all, once no more will come."""
        if self._file is None:
            return tuple(self._kept)
        self._file.close()
        return Spool(self._spool, self.outcomes.total())


class Spool(Sequence[Record]):
    """Records in a file, read anew each time they are gone through."""

    def __init__(self, path: str, count: int) -> None:
        self.path = path
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        with Path(self.path).open(encoding="ascii") as file:
            for line in file:
                yield Record.from_row(json.loads(line))

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, index: int | slice) -> Record | tuple[Record, ...]:
        """Read all of the file for it."""
        return tuple(self)[index]
