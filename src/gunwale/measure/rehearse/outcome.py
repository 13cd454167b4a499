"""What a rehearsal found: a value that text, JSON and the report are written from, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from gunwale.measure.load_report import Kind, Outcome, percentile
from gunwale.measure.rehearse import doubts

if TYPE_CHECKING:
    from collections.abc import Mapping

Seconds = float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request. Times are seconds since the load began; *task* is the one that answered, or ""."""

    intended: Seconds
    finished: Seconds
    status: int | None
    outcome: Outcome
    task: str
    phase: str
    kind: str
    method: str
    path: str
    request_id: str
    error: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether its client got anything but a whole answer below 500."""
        return self.outcome is not Outcome.OK

    @property
    def is_paced(self) -> bool:
        """Whether its client was slow on purpose, so that its latency is its own doing."""
        return self.kind in {Kind.SLOW, Kind.UPLOAD}

    @property
    def latency(self) -> Seconds:
        """From the intended time: a stall counts in full for each request that fell into it."""
        return self.finished - self.intended


ROW_FIELDS = tuple(each.name for each in fields(Row))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLife:
    """When a task was started, was ready, and was gone; None for what did not happen."""

    name: str
    release: str
    started: Seconds
    ready: Seconds | None = None
    stopped: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts:
    """Accepted POSTs against what the application stored: each should be there, and once.

    *is_audited* is False where nothing can say what was stored; the counts of that are None then.
    """

    accepted: int
    stored: int | None = None
    lost: int | None = None
    doubled: int | None = None

    @property
    def is_audited(self) -> bool:
        """Whether what was accepted was compared with what was stored."""
        return self.stored is not None

    @property
    def is_harmed(self) -> bool:
        """Whether one was lost or doubled, as far as that was looked at."""
        return bool(self.lost or self.doubled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """One roll-out of a rehearsal; *floor* is what boot, readiness and the longest request take alone.

    *is_whole* is False where it was taken back and not every old task came back.
    """

    number: int
    succeeded: bool
    seconds: Seconds
    floor: Seconds | None = None
    task: str = ""
    reason: str = ""
    log_tail: str = ""
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One rehearsal, whole.

    Times in *rows*, *tasks* and *events* are seconds since the load began, at *started* (RFC 3339).
    *factor* is what the platform's clocks were divided by. *events* are the roll-out's own, as it wrote
    them. *doubts* is why the load is not to be believed. *against* is the naive way, run beside this one.
    """

    title: str
    platform: str
    front: str
    server: str
    versions: Mapping[str, str]
    rate: float
    started: str
    factor: float
    rows: tuple[Row, ...]
    tasks: tuple[TaskLife, ...]
    events: tuple[Mapping[str, Any], ...]
    posts: Posts
    rolls: tuple[Roll, ...] = ()
    lag_p99: Seconds = 0.0
    seconds: Seconds = 0.0
    fault: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    against: Rehearsal | None = field(default=None)

    @property
    def failed(self) -> tuple[Row, ...]:
        """The requests that failed, in the order of their ends."""
        return tuple(sorted((row for row in self.rows if row.is_failed), key=lambda row: row.finished))

    @property
    def unproven(self) -> tuple[str, ...]:
        """Why nothing is proven, even where nothing failed."""
        return tuple(doubts.found_in(self))

    @property
    def verdict(self) -> str:
        """Zero loss only where nothing failed, no POST was lost or doubled, and that is proven."""
        is_whole = not self.failed and not self.posts.is_harmed
        return "zero-loss" if is_whole and not self.unproven else "lost"

    @property
    def has_rolled(self) -> bool:
        """Whether there was a roll-out and each of them put the new version in place."""
        return bool(self.rolls) and all(roll.succeeded for roll in self.rolls)

    @property
    def exit_code(self) -> int:
        """0: every roll-out came through and nothing was lost; 1: the answer is no."""
        return 0 if self.verdict == "zero-loss" and self.has_rolled else 1

    def by_phase(self) -> dict[str, dict[str, int]]:
        """Return the count of requests and of failed ones for each phase, in the order they came."""
        asked = Counter(row.phase for row in sorted(self.rows, key=lambda row: row.intended))
        failed = Counter(row.phase for row in self.failed)
        return {phase: {"requests": number, "failed": failed[phase]} for phase, number in asked.items()}

    def latency_ms(self) -> dict[str, float]:
        """Return percentiles of the answered requests, from their intended times."""
        answered = [row.latency * 1e3 for row in self.rows if row.status is not None and not row.is_paced]
        named = {"p50": percentile(answered, 0.5), "p99": percentile(answered, 0.99)}
        return {
            name: round(value, 2) for name, value in (named | {"max": max(answered, default=0.0)}).items()
        }

    def as_json(self) -> dict[str, Any]:
        """Return what ``--format json`` prints: *against* and *doubts* only where there are any."""
        document = {
            "verdict": self.verdict,
            "requests": len(self.rows),
            "failed": len(self.failed),
            "by_phase": self.by_phase(),
            "failures": [_failure(row) for row in self.failed],
            "posts": asdict(self.posts),
            "latency_ms": self.latency_ms(),
            "load_lag_ms": {"p99": round(self.lag_p99 * 1e3, 3)},
            "events": [dict(event) for event in self.events],
        }
        unproven = self.unproven
        return (
            document
            | ({"doubts": list(unproven)} if unproven else {})
            | ({"against": self.against.as_json()} if self.against else {})
        )

    def to_json(self) -> str:
        """Return all of it as JSON, rows as columns: what is kept, and what the report is made from."""
        return json.dumps(self.document(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        return cls._read(json.loads(text))

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows column by column, which is small and quick to read in a page."""
        rows = [astuple(row) for row in self.rows]
        return {name: [row[index] for row in rows] for index, name in enumerate(ROW_FIELDS)}

    def document(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return plain | {
            "versions": dict(self.versions),
            "rows": self.columns(),
            "tasks": [asdict(task) for task in self.tasks],
            "rolls": [asdict(roll) for roll in self.rolls],
            "posts": asdict(self.posts),
            "events": [dict(event) for event in self.events],
            "against": self.against.document() if self.against else None,
        }

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Self:
        columns = data["rows"]
        rows = zip(*(columns[name] for name in ROW_FIELDS), strict=True)
        named = (dict(zip(ROW_FIELDS, row, strict=True)) for row in rows)
        return cls(**data | {
            "rows": tuple(Row(**row | {"outcome": Outcome(row["outcome"])}) for row in named),
            "tasks": tuple(TaskLife(**task) for task in data["tasks"]),
            "rolls": tuple(Roll(**roll) for roll in data["rolls"]),
            "posts": Posts(**data["posts"]),
            "events": tuple(data["events"]),
            "notes": tuple(data["notes"]),
            "doubts": tuple(data["doubts"]),
            "against": cls._read(data["against"]) if data["against"] else None,
        })  # fmt: skip


def _failure(row: Row) -> dict[str, Any]:
    """What somebody who was woken by it wants to know of one failed request."""
    said = row.error or (f"status {row.status}" if row.status else "")
    return {
        "at": round(row.finished, 3),
        "phase": row.phase,
        "task": row.task,
        "method": row.method,
        "path": row.path,
        "request_id": row.request_id,
        "error": f"{row.outcome}: {said}" if said else str(row.outcome),
    }
