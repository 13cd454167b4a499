"""The ground a rehearsal rolls on: real processes behind a real balancer, on this machine.

What differs between platforms is when a task gets traffic and in which order an old one leaves: `orders`.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from gunwale.deploy.clock import RealClock
from gunwale.deploy.events import Phase
from gunwale.deploy.ports import free_port
from gunwale.deploy.roll import StepError
from gunwale.deploy.task import Task, name_of
from gunwale.measure.process import OwnedProcess
from gunwale.measure.rehearse import commands
from gunwale.measure.rehearse.ask import ask, said_of
from gunwale.measure.rehearse.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gunwale.deploy.balancer import Balancer
    from gunwale.deploy.clock import Clock
    from gunwale.deploy.events import EventLog
    from gunwale.measure.rehearse.clocks import Clocks
    from gunwale.measure.rehearse.faults import Fault
    from gunwale.plan.model import Plan

Seconds = float

TICK = 0.02
_THROUGH_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a stage is set with: the *plan*, whose order (*platform*), its *clocks*, and where things are.

    *given* are the user's ``KEY=VALUE`` words, *is_naive* runs the bare server instead of gunwale serve.
    """

    plan: Plan
    platform: str
    clocks: Clocks
    directory: Path
    project: Path
    balancer: Balancer
    events: EventLog
    fault: Fault
    given: tuple[str, ...] = ()
    environ: Mapping[str, str | None] = field(default_factory=dict)
    is_naive: bool = False


class Stage:
    """A platform in the sense of `gunwale.deploy.roll`; the orders derive from it."""

    USES_UNIX = False
    CLOCK: ClassVar[Clock] = RealClock()

    def __init__(self, setting: Setting) -> None:
        self.set = setting
        self.clock: Clock = self.CLOCK
        self.seen: list[Task] = []
        self.events, self.balancer, self.clocks = setting.events, setting.balancer, setting.clocks
        self._tasks: dict[str, Running] = {}
        self._serving: tuple[Task, ...] = ()
        self._port = free_port()
        self._net = f"127.{random.randrange(1, 255)}.{random.randrange(0, 255)}"  # noqa: S311
        self._count = 0

    # -- what roll() asks ---------------------------------------------------------------------------------

    def running(self) -> tuple[Task, ...]:
        """Return what gets traffic now, oldest first."""
        return tuple(task for task in self._serving if task.name in self._tasks)

    def start(self, release: str, numbers: Sequence[int]) -> tuple[Task, ...]:
        """Start all at once."""
        tasks = tuple(self._task(release, number) for number in numbers)
        for task in tasks:
            self._start(task)
        self.seen += tasks
        return tasks

    def wait_ready(self, tasks: Sequence[Task], timeout: Seconds) -> None:
        """Wait for as many good checks as the platform wants, then give them traffic where it does so."""
        new = [self._tasks[task.name] for task in tasks if task not in self._serving]
        if not new:
            self._look_at([self._tasks[task.name] for task in tasks])
            return
        self._wait_well(new, timeout)
        for each in new:
            self.tell("task-ready", Phase.READY, each.task)
        if self.set.fault.strike(new):
            self._wait_well(new, timeout)
        self._are_ready([each.task for each in new])

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        """Give *new* traffic, and *old* no more."""
        raise NotImplementedError

    def retire(self, tasks: Sequence[Task]) -> None:
        """Drain and stop."""
        raise NotImplementedError

    def abandon(self, tasks: Sequence[Task]) -> None:
        """Stop new tasks that failed; nobody asks them any more, or they do not answer."""
        self._targets(without=tasks, phase=Phase.BACK)
        self._stop([self._tasks[task.name] for task in tasks if task.name in self._tasks], Phase.BACK)

    # -- for the orders -----------------------------------------------------------------------------------

    def _are_ready(self, tasks: Sequence[Task]) -> None:
        """What happens by itself once tasks are ready: nothing here."""

    def tell(self, event: str, phase: Phase, task: Task | None = None, **details: object) -> None:
        """Record an event of a task."""
        self.events.tell(event, phase=phase, task=task.name if task else None, **details)

    def _targets(
        self, *, adding: Sequence[Task] = (), without: Sequence[Task] = (), phase: Phase = Phase.SHIFT
    ) -> None:
        """Change who gets new requests; a fault may make that take longer."""
        kept = tuple(task for task in self._serving if task not in without)
        wanted = (*kept, *(task for task in adding if task not in kept))
        if wanted == self._serving:
            return
        removed = [task for task in self._serving if task not in wanted]
        added = [task for task in wanted if task not in self._serving]
        self.clock.wait(self.set.fault.slowness)
        self.balancer.set_targets(wanted)
        self._serving = wanted
        for task in added:
            self.tell("task-shifted", phase, task)
        for task in removed:
            self.tell("target-removed", phase, task)

    def _wait_through(self, tasks: Sequence[Task]) -> None:
        """Wait until each of *tasks* has answered through the balancer."""
        address = self.balancer.url.removeprefix("http://")
        path = self.set.plan.health.readiness_path
        missing, until = {task.name for task in tasks}, time.monotonic() + _THROUGH_TIMEOUT
        while missing:
            answer = ask(address, path, 5.0)
            if answer.status and answer.status < 500:
                missing -= {task.name for task in tasks if answer.task in said_of(task)}
            if missing and time.monotonic() > until:
                message = f"does not answer through the front (its last answer: {answer.status or 'none'})"
                name = min(missing)
                raise StepError(name, message, self._tasks[name].log_tail())

    def _wait_in_flight(self, tasks: Sequence[Task]) -> None:
        """Wait until nothing is in flight, where the balancer can say, at most as long as serve would."""
        until = time.monotonic() + self.clocks.drain_timeout
        while time.monotonic() < until and any(self.balancer.in_flight(task) for task in tasks):
            self.clock.wait(TICK)

    def _stop(self, leaving: Sequence[Running], phase: Phase = Phase.STOP) -> None:
        """SIGTERM to each, SIGKILL past the stop timeout."""
        for each in leaving:
            self._signal(each, phase)
        self._wait_gone(leaving, self.clocks.stop_timeout, phase)

    def _signal(self, each: Running, phase: Phase) -> None:
        if each.is_alive:
            each.process.terminate()
            self.tell("signalled", phase, each.task, signal="SIGTERM")

    def _wait_gone(
        self,
        leaving: Sequence[Running],
        timeout: Seconds,
        phase: Phase = Phase.STOP,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait for their ends, doing *meanwhile* at each tick; kill what is left after *timeout*."""
        left, until = list(leaving), time.monotonic() + timeout
        while left:
            meanwhile()
            for each in [each for each in left if not each.is_alive]:
                left.remove(each)
                self._gone(each, "task-stopped", phase, status=each.process.poll())
            if left and time.monotonic() > until:
                for each in left:
                    each.process.kill()
                    self._gone(each, "task-killed", phase, after=round(timeout, 3))
                break
            self.clock.wait(TICK if left else 0)

    def _gone(self, each: Running, event: str, phase: Phase, **details: object) -> None:
        each.process.kill()  # whatever a dead parent left behind
        self._tasks.pop(each.task.name, None)
        self.tell(event, phase, each.task, **details)

    # -- a task -------------------------------------------------------------------------------------------

    def _task(self, release: str, number: int) -> Task:
        self._count += 1
        if self.USES_UNIX:
            path = self.set.directory / f"{name_of(release, number)}.sock"
            return Task(name=name_of(release, number), release=release, address=f"unix:{path}")
        # An address of its own for each, as on the platform: no port is used twice.
        host = f"{self._net}.{self._count % 250 + 1}"
        return Task(name=name_of(release, number), release=release, address=f"{host}:{self._port}")

    def _start(self, task: Task) -> None:
        setting, admin = self.set, f"unix:{self.set.directory / task.name}.admin"
        if setting.is_naive:
            command, ready_at = commands.bare(task, setting.plan), (task.address, "/")
        else:
            changed = setting.fault.change(task.release, setting.plan, setting.given)
            command = commands.serve(task, admin, changed.plan, setting.platform, self.clocks, changed.given)
            ready_at = (admin, setting.plan.health.readiness_path)
        environ = {**setting.environ, **command.environ, **setting.fault.environ(task.release, setting.plan)}
        log = commands.log_of(task, setting.directory)
        process = OwnedProcess(command.argv, log=log, cwd=setting.project, env=environ)
        self._tasks[task.name] = Running(
            task=task, process=process, ready_at=ready_at, is_bare=setting.is_naive
        )
        process.start()
        self.tell("task-started", Phase.START, task)

    def _wait_well(self, new: Sequence[Running], timeout: Seconds) -> None:
        until = time.monotonic() + max(timeout, self.clocks.interval * self.clocks.healthy * 2)
        for each in new:
            each.well = 0
        while any(each.well < self.clocks.healthy for each in new):
            for each in new:
                if each.well < self.clocks.healthy and each.is_due(self.clocks.interval):
                    each.check()
            self._look_at(new)
            if time.monotonic() > until:
                late = next(each for each in new if each.well < self.clocks.healthy)
                message = f"is not ready after {timeout:g} s: readiness says {late.said}"
                raise StepError(late.task.name, message, late.log_tail())
            self.clock.wait(TICK)

    def _look_at(self, tasks: Sequence[Running]) -> None:
        """Raise for one that has ended."""
        for each in tasks:
            if not each.is_alive:
                raise StepError(each.task.name, each.how_it_ended(), each.log_tail())

    def close(self) -> None:
        """End everything now."""
        for each in tuple(self._tasks.values()):
            each.process.kill()
