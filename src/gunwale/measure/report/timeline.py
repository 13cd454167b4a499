"""When each phase was, and what each task did when: read from the events, for the page's lanes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.measure.rehearse.outcome import Rehearsal

Seconds = float

STEADY = "steady"
# In the order in which a roll-out goes through them, each with what it means.
PHASES = {
    STEADY: "no roll-out is under way",
    "start": "new tasks boot",
    "ready": "new tasks are asked until they answer, through the proxy too",
    "shift": "new requests go to the new tasks",
    "drain": "old tasks finish what they accepted",
    "stop": "old tasks are told to stop, and are gone",
    "back": "the way back: new tasks are taken out, the old ones stay",
}
_ENDS = frozenset({"roll-succeeded", "roll-failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One phase of one roll-out, from *start* to *end*."""

    phase: str
    start: Seconds
    end: Seconds
    roll: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One task's times; None for what did not happen, or happened before the load began."""

    name: str
    release: str
    started: Seconds
    ready: Seconds | None
    shifted: Seconds | None
    removed: Seconds | None
    signalled: Seconds | None
    stopped: Seconds | None
    is_killed: bool


def end(rehearsal: Rehearsal) -> Seconds:
    """Return the last moment that the page has to show."""
    last = max((row.finished for row in rehearsal.rows), default=0.0)
    told = max((float(event["at"]) for event in rehearsal.events), default=0.0)
    return max(rehearsal.seconds, last, told, 1.0)


def spans(rehearsal: Rehearsal) -> tuple[Span, ...]:
    """Return the phases one after the other, without a gap, from the load's beginning to its end."""
    found: list[Span] = []
    for span in _spans(rehearsal):
        last = found[-1] if found else None
        if last is not None and (last.phase, last.roll) == (span.phase, span.roll):
            found[-1] = replace(last, end=span.end)
        else:
            found.append(span)
    return tuple(found)


def _spans(rehearsal: Rehearsal) -> Iterator[Span]:
    phase, since, roll, first = STEADY, 0.0, 0, _first_roll(rehearsal)
    for event in sorted(rehearsal.events, key=lambda event: event["at"]):
        at = max(float(event["at"]), 0.0)
        following = STEADY if event["event"] in _ENDS else str(event["phase"])
        if following == phase:
            continue
        if at > since:
            yield Span(phase=phase, start=since, end=at, roll=roll)
        phase, since, roll = following, at, int(event["roll"]) - first
    yield Span(phase=phase, start=since, end=max(end(rehearsal), since), roll=roll)


def _first_roll(rehearsal: Rehearsal) -> int:
    """Return the number of the deployment before the load began: roll-outs are counted from it."""
    return max((int(event["roll"]) for event in rehearsal.events if event["at"] < 0), default=0)


def lanes(rehearsal: Rehearsal) -> tuple[Lane, ...]:
    """Return the tasks in the order of their starts."""
    first: dict[tuple[str, str], Seconds] = {}
    for event in rehearsal.events:
        if event["task"] is not None:
            first.setdefault((event["task"], event["event"]), float(event["at"]))
    return tuple(
        Lane(
            name=task.name,
            release=task.release,
            started=task.started,
            ready=task.ready,
            shifted=first.get((task.name, "task-shifted")),
            removed=first.get((task.name, "target-removed")),
            signalled=first.get((task.name, "signalled")),
            stopped=task.stopped,
            is_killed=(task.name, "task-killed") in first,
        )
        for task in sorted(rehearsal.tasks, key=lambda task: (task.started, task.name))
    )
