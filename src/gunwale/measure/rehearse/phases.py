"""From the events of a roll-out and the records of a load to rows: which task, which phase."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from gunwale.deploy.events import Phase
from gunwale.measure.rehearse.ask import said_of
from gunwale.measure.rehearse.outcome import Row, TaskLife

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gunwale.deploy.events import Event
    from gunwale.deploy.task import Task
    from gunwale.measure.load_report import Record

Seconds = float

_ENDS = frozenset({"roll-succeeded", "roll-failed"})


class Phases:
    """The phase at each moment: that of the last event; steady before, between and after roll-outs."""

    def __init__(self, events: Iterable[Event]) -> None:
        told = sorted(events, key=lambda event: event.at)
        self._times = [event.at for event in told]
        self._phases = [Phase.STEADY if event.event in _ENDS else event.phase for event in told]

    def at(self, moment: Seconds) -> Phase:
        """Return the phase at *moment*."""
        index = bisect_right(self._times, moment)
        return self._phases[index - 1] if index else Phase.STEADY


def rows(
    records: Sequence[Record], events: Sequence[Event], tasks: Iterable[Task], began: Seconds
) -> tuple[Row, ...]:
    """Return a row for every record, its phase by its intended time; times count from *began*."""
    phases, names = Phases(events), _Names(events, tasks)
    return tuple(
        Row(
            intended=round(record.intended - began, 6),
            finished=round(record.finished - began, 6),
            status=record.status,
            outcome=record.outcome,
            task=names.at(record.task, record.finished),
            phase=str(phases.at(record.intended)),
            kind=str(record.kind),
            method=record.method,
            path=record.path,
            request_id=record.request_id or record.id,
            error=record.error,
        )
        for record in records
    )


def lives(events: Sequence[Event], began: Seconds) -> tuple[TaskLife, ...]:
    """Return when each task was started, was ready, and was gone."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.task is None:
            continue
        at = round(event.at - began, 6)
        life = found.setdefault(event.task, {"name": event.task, "release": event.task.rpartition(".")[0]})
        if event.event == "task-started":
            life.setdefault("started", at)
        elif event.event == "task-ready":
            life.setdefault("ready", at)
        elif event.event in {"task-stopped", "task-killed"}:
            life["stopped"] = at
    return tuple(TaskLife(**life) for life in found.values() if "started" in life)


def as_rows(events: Iterable[Event], began: Seconds) -> tuple[Mapping[str, Any], ...]:
    """Return the events as they are written, their times counted from *began*."""
    return tuple({**event.as_json(), "at": round(event.at - began, 6)} for event in events)


class _Names:
    """Which task a front means; of several at one address the one that was started last by then."""

    def __init__(self, events: Iterable[Event], tasks: Iterable[Task]) -> None:
        started = {event.task: event.at for event in events if event.event == "task-started"}
        self._tasks: dict[str, list[tuple[Seconds, str]]] = {}
        for task in tasks:
            for said in said_of(task):
                self._tasks.setdefault(said, []).append((started.get(task.name, 0.0), task.name))

    def at(self, said: str, moment: Seconds) -> str:
        """Return the name of the task that answered by *moment*; what was *said*, where it is none."""
        found = [name for since, name in self._tasks.get(said, ()) if since <= moment]
        return found[-1] if found else said
