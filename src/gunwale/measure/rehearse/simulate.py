"""The same roll-out on a simulated clock: how long, how low, how many database connections."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gunwale.deploy.clock import SimulatedClock
from gunwale.deploy.events import EventLog
from gunwale.deploy.roll import StepError, roll
from gunwale.deploy.task import Task, name_of
from gunwale.measure.rehearse import clocks as platforms
from gunwale.measure.rehearse import commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gunwale.deploy.clock import Clock
    from gunwale.measure.rehearse.clocks import Clocks
    from gunwale.plan.model import Plan

Seconds = float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to simulate.

    A task boots in *boot* seconds, normally distributed by *spread*, and stops in *stop* once it is told.
    Where *cores* is set, boots share so many: each needs *boot_cpu* seconds of one.
    """

    plan: Plan
    platform: str
    clocks: Clocks
    boot: Seconds
    spread: Seconds = 0.0
    boot_cpu: Seconds = 0.0
    cores: int = 0
    stop: Seconds = 1.0
    settling: Seconds = 0.0
    failure_rate: float = 0.0
    rolls: int = 1
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """*lowest* is the fewest tasks with traffic, *most* the most that ran; *rolled_back* counts roll-outs."""

    platform: str
    tasks: int
    surge: int
    rolls: int
    seconds: tuple[Seconds, ...]
    lowest: int
    most: int
    connections: int
    max_connections: int | None
    rolled_back: int

    @property
    def exit_code(self) -> int:
        """1 where a roll-out was rolled back, or the database has not enough connections."""
        is_short = self.max_connections is not None and self.connections > self.max_connections
        return int(bool(self.rolled_back) or is_short)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is printed."""
        return asdict(self)


class Simulated:
    """Tasks that take their time on a clock that does not wait."""

    def __init__(self, request: Request) -> None:
        self.clock: Clock = SimulatedClock()
        self._set, self._random = request, random.Random(request.seed)  # noqa: S311 - repeatable
        self._ready_at: dict[str, Seconds | None] = {}
        self._serving: tuple[Task, ...] = ()
        self._alive: set[str] = set()
        self.lowest = self.most = 0

    def serve(self, release: str, number: int) -> None:
        """Have *number* tasks serving, as if they always had."""
        self._serving = tuple(_tasks(release, range(1, number + 1)))
        self._alive = {task.name for task in self._serving}
        self.lowest = self.most = number

    def running(self) -> tuple[Task, ...]:
        """Return what gets traffic."""
        return self._serving

    def start(self, release: str, numbers: Sequence[int]) -> tuple[Task, ...]:
        """Start a batch: where they share cores, they boot as slowly as that takes."""
        tasks = tuple(_tasks(release, numbers))
        shared = len(tasks) * self._set.boot_cpu / self._set.cores if self._set.cores else 0.0
        for task in tasks:
            boot = max(shared, self._random.gauss(self._set.boot, self._set.spread), 0.0)
            fails = self._random.random() < self._set.failure_rate
            self._ready_at[task.name] = None if fails else self.clock.now() + boot
        self._alive |= {task.name for task in tasks}
        self.most = max(self.most, len(self._alive))
        return tasks

    def wait_ready(self, tasks: Sequence[Task], timeout: Seconds) -> None:
        """Let the slowest boot, then the platform's checks, pass."""
        # By name: a task is compared by all that it is, and a thousand are looked at a thousand times.
        serving = {task.name for task in self._serving}
        new = [task for task in tasks if task.name not in serving]
        if not new:
            return
        failed = next((task for task in new if self._ready_at[task.name] is None), None)
        if failed:
            self.clock.wait(timeout)
            raise StepError(failed.name, f"is not ready after {timeout:g} s")
        booted = max(self._ready_at[task.name] or 0.0 for task in new)
        checks = self._set.clocks.interval * (self._set.clocks.healthy - 1)
        self.clock.wait(booted - self.clock.now() + checks + self._set.clocks.propagation)

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        """Change who serves."""
        leaving = {task.name for task in old}
        kept = {task.name: task for task in self._serving if task.name not in leaving}
        if self._set.platform == "ecs" and old:
            self.clock.wait(self._set.clocks.propagation)
        self.clock.wait(self._set.settling)
        self._serving = tuple({**kept, **{task.name: task for task in new}}.values())
        self.lowest = min(self.lowest, len(self._serving))

    def retire(self, tasks: Sequence[Task]) -> None:
        """Let the platform's waits pass, then the lame duck and the stop."""
        clocks = self._set.clocks
        self.clock.wait((clocks.deregistration_delay or 0.0) + clocks.pre_stop + clocks.lame_duck)
        self.clock.wait(self._set.stop)
        self.abandon(tasks)

    def abandon(self, tasks: Sequence[Task]) -> None:
        """Be rid of them."""
        self._alive -= {task.name for task in tasks}


def simulate(request: Request) -> Simulation:
    """Run ``roll()`` as often as asked on a simulated clock."""
    policy = platforms.policy(request.platform, request.plan)
    platform = Simulated(request)
    platform.serve("v1", policy.tasks)
    events = EventLog(None, clock=platform.clock)
    seconds, rolled_back = [], 0
    for number in range(request.rolls):
        begun = platform.clock.now()
        outcome = roll(platform, f"v{number + 2}", policy, events)
        seconds.append(round(platform.clock.now() - begun, 3))
        rolled_back += not outcome.succeeded
    database, each = request.plan.database, _connections(request.plan)
    return Simulation(
        platform=request.platform,
        tasks=policy.tasks,
        surge=policy.surge,
        rolls=request.rolls,
        seconds=tuple(seconds),
        lowest=platform.lowest,
        most=platform.most,
        connections=platform.most * each + database.others,
        max_connections=None
        if database.max_connections is None
        else database.max_connections - database.reserved,
        rolled_back=rolled_back,
    )


def lines(found: Simulation) -> Iterator[str]:
    """Return it in words."""
    slowest = max(found.seconds)
    times = "roll-out" if found.rolls == 1 else "roll-outs"
    what = f"{found.rolls} {times} of {found.tasks} tasks, surge {found.surge}"
    yield f"simulated, not run, as {found.platform}: {what}"
    yield f"duration        {slowest:.1f} s{' at most' if found.rolls > 1 else ''}"
    yield f"lowest capacity {found.lowest} of {found.tasks} tasks"
    yield f"most tasks      {found.most}"
    limit = "" if found.max_connections is None else f" of {found.max_connections} that the database has"
    yield f"connections     {found.connections} at the peak{limit}"
    if found.rolled_back:
        yield f"rolled back     {found.rolled_back} of {found.rolls}"


def _tasks(release: str, numbers: Iterable[int]) -> Iterator[Task]:
    for number in numbers:
        yield Task(name=name_of(release, number), release=release, address="simulated")


def _connections(plan: Plan) -> int:
    return commands.workers(plan) * (plan.database.pool_size + plan.database.max_overflow)
