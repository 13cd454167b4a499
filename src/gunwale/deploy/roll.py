"""A roll-out: start → ready through the proxy → shift → drain and stop; and the way back at each step.

The same recipe runs on real processes, in rehearsals and on a simulated clock: it asks its platform for
everything, the time included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING, Protocol

from gunwale.deploy.events import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.deploy.clock import Clock
    from gunwale.deploy.events import EventLog
    from gunwale.deploy.policy import Policy
    from gunwale.deploy.task import Task

_LOOK = 1.0  # seconds between two looks at the new tasks while they bake


class StepError(Exception):
    """A step failed: why, with *task* and the end of its log where it was a task that failed."""

    def __init__(self, task: str | None, reason: str, log_tail: str = "") -> None:
        self.task, self.reason, self.log_tail = task, reason, log_tail
        super().__init__(f"{task}: {reason}" if task else reason)


class Platform(Protocol):
    """Where tasks run; each call takes a batch, does it in parallel, blocks, and may raise StepError.

    It tells its tasks' events itself, at the moment they happen (`gunwale.deploy.events`).
    """

    @property
    def clock(self) -> Clock:
        """The time everything here goes by."""

    def running(self) -> tuple[Task, ...]:
        """Return what gets traffic now, oldest first."""

    def start(self, release: str, numbers: Sequence[int]) -> tuple[Task, ...]:
        """Start these tasks of *release*; where one fails, none is left behind."""

    def wait_ready(self, tasks: Sequence[Task], timeout: float) -> None:
        """Wait until each is ready, by its own word and through the proxy."""

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        """Give *new* traffic, and *old* no more."""

    def retire(self, tasks: Sequence[Task]) -> None:
        """Drain and stop, in the platform's own order and by its clocks."""

    def abandon(self, tasks: Sequence[Task]) -> None:
        """Take new tasks out that failed, and stop them; their log is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a roll-out ended; where it did not succeed, why, and whether the old tasks are all back."""

    succeeded: bool
    release: str
    reason: str = ""
    task: str | None = None
    log_tail: str = ""
    is_whole: bool = True

    @property
    def rolled_back(self) -> bool:
        """Whether the old version serves on."""
        return not self.succeeded


@dataclass(slots=True)
class _Roll:
    """Where a roll-out stands: the *old* tasks still serving, the *new* ones, and what was *gone* already."""

    old: list[Task]
    new: list[Task] = field(default_factory=list)
    batch: tuple[Task, ...] = ()
    leaving: tuple[Task, ...] = ()
    gone: list[Task] = field(default_factory=list)


def roll(platform: Platform, release: str, policy: Policy, events: EventLog) -> Outcome:
    """Replace what runs by *release*, batch by batch, and go back when a step fails."""
    state = _Roll(old=list(platform.running()))
    events.roll += 1
    events.tell("roll-started", phase=Phase.START, release=release, old=[task.name for task in state.old])
    try:
        while len(state.new) < policy.tasks or state.old:
            _one_batch(platform, release, policy, events, state)
    except StepError as error:
        is_whole = _way_back(platform, policy, events, state)
        details = {"release": release, "reason": error.reason, "log_tail": error.log_tail, "whole": is_whole}
        events.tell("roll-failed", phase=Phase.STEADY, task=error.task, **details)
        return Outcome(
            succeeded=False,
            release=release,
            reason=error.reason,
            task=error.task,
            log_tail=error.log_tail,
            is_whole=is_whole,
        )
    events.tell("roll-succeeded", phase=Phase.STEADY, release=release)
    return Outcome(succeeded=True, release=release)


def _one_batch(platform: Platform, release: str, policy: Policy, events: EventLog, state: _Roll) -> None:
    size, first = _sizes(policy, len(state.old), len(state.new))
    if first:
        # No room beside the old ones: what the plan lets go is given up first.
        _remove(platform, events, state, state.old[:first])

    numbers = range(len(state.new) + 1, len(state.new) + size + 1)
    _step(events, Phase.START, state.batch)
    state.batch = platform.start(release, numbers)

    _step(events, Phase.READY, state.batch)
    platform.wait_ready(state.batch, policy.ready_timeout)

    is_last = len(state.new) + size >= policy.tasks
    spare = len(state.old) + len(state.new) + size - policy.tasks
    state.leaving = tuple(state.old if is_last else state.old[: max(0, spare)])
    _step(events, Phase.SHIFT, state.batch)
    platform.shift(state.batch, state.leaving)
    _bake(platform, policy, (*state.new, *state.batch))

    state.new += state.batch
    state.batch = ()
    leaving, state.leaving = state.leaving, ()
    _retire(platform, events, state, leaving)


def _sizes(policy: Policy, old: int, new: int) -> tuple[int, int]:
    """Return how many tasks the next batch starts, and how many old ones must make room for it first."""
    missing = policy.tasks - new
    room = max(0, policy.tasks + policy.surge - old - new)
    spare = min(old, max(0, old + new - policy.min_running))
    size = min(missing, room + spare)
    return size, max(0, size - room)


def _bake(platform: Platform, policy: Policy, tasks: Sequence[Task]) -> None:
    """Look at the new tasks for as long as the old ones stay, once at least: they have traffic now."""
    until = platform.clock.now() + policy.bake_time
    while True:
        platform.wait_ready(tasks, policy.ready_timeout)
        left = until - platform.clock.now()
        if left <= 0:
            return
        platform.clock.wait(min(_LOOK, left))


def _remove(platform: Platform, events: EventLog, state: _Roll, tasks: Sequence[Task]) -> None:
    state.leaving = tuple(tasks)
    _step(events, Phase.SHIFT, tasks)
    platform.shift((), tasks)
    state.leaving = ()
    _retire(platform, events, state, tasks)


def _retire(platform: Platform, events: EventLog, state: _Roll, tasks: Sequence[Task]) -> None:
    """Stop tasks that have no traffic; one that does not go well is told, and undoes nothing."""
    state.old = [task for task in state.old if task not in tasks]
    state.gone += tasks
    if not tasks:
        return
    _step(events, Phase.DRAIN, tasks)
    try:
        platform.retire(tasks)
    except StepError as error:
        events.tell("note", phase=Phase.STOP, task=error.task, reason=error.reason, log_tail=error.log_tail)


def _way_back(platform: Platform, policy: Policy, events: EventLog, state: _Roll) -> bool:
    """Give the traffic back to the old tasks, start again those that were gone, and stop the new ones.

    Tells whether the old ones are all back; where one does not come back, the new ones that had proven
    themselves stay: a mix that serves is better than half of the capacity.
    """
    _step(events, Phase.BACK, state.batch)
    try:
        if state.leaving or state.batch:
            platform.shift(state.leaving, state.batch)
        if state.batch:
            platform.abandon(state.batch)
        back = _start_again(platform, policy, state)
        if back or state.new:
            platform.shift(back, state.new)
        if state.new:
            platform.retire(state.new)
    except StepError as error:
        events.tell("note", phase=Phase.BACK, task=error.task, reason=error.reason, log_tail=error.log_tail)
        return False
    return True


def _start_again(platform: Platform, policy: Policy, state: _Roll) -> tuple[Task, ...]:
    back: list[Task] = []
    for release in dict.fromkeys(task.release for task in state.gone):
        gone = [task for task in state.gone if task.release == release]
        taken = max(task.number for task in (*gone, *state.old) if task.release == release)
        started = platform.start(release, tuple(islice(count(taken + 1), len(gone))))
        try:
            platform.wait_ready(started, policy.ready_timeout)
        except StepError:
            platform.abandon(started)
            raise
        back += started
    return tuple(back)


def _step(events: EventLog, phase: Phase, tasks: Sequence[Task]) -> None:
    events.tell("step", phase=phase, tasks=[task.name for task in tasks])
