"""What happened in a roll-out and when: the one source of the text, the report and the metrics.

A line of JSON an event, written by one write(2) to a file opened for appending, so that several writers
never mix and a kill leaves at most one half line, which reading leaves out.

``roll()`` tells ``roll-started``, ``step`` (a phase begins, with its ``tasks``), ``roll-succeeded`` and
``roll-failed``.  A platform tells, at the moment it happens, ``task-started``, ``task-ready``,
``task-shifted``, ``target-removed``, ``signalled``, ``task-stopped`` and ``task-killed``.  Between roll-outs
the keeper tells ``task-not-ready``, ``task-ready``, ``task-wedged``, ``task-died``, ``task-restarted`` and
``balancer-restarted``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gunwale.deploy.clock import Clock


class Phase(StrEnum):
    """What a roll-out is doing; BACK is the way back."""

    STEADY = "steady"
    START = "start"
    READY = "ready"
    SHIFT = "shift"
    DRAIN = "drain"
    STOP = "stop"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: *at* is the clock's time in seconds, *time* is RFC 3339 in UTC, *task* a task's name."""

    at: float
    time: str
    roll: int
    phase: Phase
    event: str
    task: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the event as one flat object."""
        return {
            "at": round(self.at, 6),
            "time": self.time,
            "roll": self.roll,
            "phase": str(self.phase),
            "event": self.event,
            "task": self.task,
            **self.details,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Read what `as_json` gave."""
        own = {"at", "time", "roll", "phase", "event", "task"}
        return cls(
            at=found["at"],
            time=found["time"],
            roll=found["roll"],
            phase=Phase(found["phase"]),
            event=found["event"],
            task=found["task"],
            details={name: value for name, value in found.items() if name not in own},
        )


class EventLog:
    """Events of one process: appended to *path* (None: kept nowhere), and handed to each listener.

    *roll* is the number of the last roll-out; each new one counts on from it.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        listeners: Sequence[Callable[[Event], None]] = (),
        roll: int = 0,
    ) -> None:
        self.roll = roll
        self._clock, self._listeners = clock, tuple(listeners)
        self._began, self._origin = datetime.now(UTC), clock.now()
        self._fd = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def tell(self, event: str, *, phase: Phase, task: str | None = None, **details: Any) -> None:
        """Record that *event* happens now."""
        at = self._clock.now()
        told = Event(
            at=at,
            time=_written(self._began + timedelta(seconds=at - self._origin)),
            roll=self.roll,
            phase=phase,
            event=event,
            task=task,
            details=details,
        )
        if self._fd is not None:
            os.write(self._fd, json.dumps(told.as_json(), ensure_ascii=False).encode() + b"\n")
        for listener in self._listeners:
            listener(told)

    def close(self) -> None:
        """Write no more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def read(path: Path) -> Iterator[Event]:
    """Return the events in *path*, oldest first; a line that was cut off by a kill is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                found = Event.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
            yield found


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
