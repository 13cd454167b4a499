"""The orders of the platforms: when a new task gets traffic, and how an old one leaves.

What is true of each is in facts of the platforms' own documents; docs/rehearse.md tells it for people.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gunwale.deploy.events import Phase
from gunwale.measure.rehearse.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunwale.deploy.task import Task


class Host(Stage):
    """One machine, one proxy of our own: out of the proxy, until nothing is in flight, then the signal."""

    USES_UNIX = True

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        """Give *new* traffic in the same change that takes it from *old*."""
        self._targets(adding=new)
        self._wait_through(new)
        self._targets(without=old)

    def retire(self, tasks: Sequence[Task]) -> None:
        """Count down, then stop."""
        leaving = [self._tasks[task.name] for task in tasks]
        self._targets(without=tasks, phase=Phase.DRAIN)
        self._wait_in_flight(tasks)
        self._stop(leaving)


class Ecs(Stage):
    """A service behind an ALB: traffic when the target is healthy; deregistered, then drained by time."""

    def _are_ready(self, tasks: Sequence[Task]) -> None:
        self.clock.wait(self.clocks.propagation)
        self._targets(adding=tasks, phase=Phase.READY)
        self._wait_through(tasks)

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        """Deregister *old*; *new* has traffic since it is healthy."""
        self._targets(adding=new)
        if old:
            for task in old:
                self.tell("deregistered", Phase.SHIFT, task)
            # Its own nodes learn it one after the other: meanwhile requests still come.
            self.clock.wait(self.clocks.propagation)
            self._targets(without=old)

    def retire(self, tasks: Sequence[Task]) -> None:
        """Wait for the whole delay, as ECS waits for the target to be unused, then SIGTERM."""
        leaving = [self._tasks[task.name] for task in tasks]
        self._targets(without=tasks, phase=Phase.DRAIN)
        self.clock.wait(self.clocks.deregistration_delay or 0.0)
        self._stop(leaving)


class Kubernetes(Stage):
    """A Deployment behind a Service: the endpoint is withdrawn while preStop and SIGTERM run, not before."""

    def _are_ready(self, tasks: Sequence[Task]) -> None:
        self.clock.wait(self.clocks.propagation)
        self._targets(adding=tasks, phase=Phase.READY)
        self._wait_through(tasks)

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:  # noqa: ARG002 - see retire()
        """Give *new* traffic, which it has already; a pod leaves its endpoints when it is deleted."""
        self._targets(adding=new)

    def retire(self, tasks: Sequence[Task]) -> None:
        """Delete: the signal after preStop, the endpoint gone when that has been told everywhere."""
        clocks, begun = self.clocks, time.monotonic()
        leaving = [self._tasks[task.name] for task in tasks]

        def signal_them() -> None:
            for each in leaving:
                self._signal(each, Phase.STOP)

        def withdraw() -> None:
            self._targets(without=tasks, phase=Phase.STOP)

        to_do = [(begun + clocks.pre_stop, signal_them), (begun + clocks.propagation, withdraw)]

        def do_what_is_due() -> None:
            for each in [each for each in to_do if each[0] <= time.monotonic()]:
                to_do.remove(each)
                each[1]()

        self._wait_gone(leaving, clocks.stop_timeout, meanwhile=do_what_is_due)
        while to_do:
            # The process may be gone before everybody has heard of it.
            do_what_is_due()
            self.clock.wait(0.01 if to_do else 0)

    def abandon(self, tasks: Sequence[Task]) -> None:
        """Delete pods that never became ready, or no longer run."""
        self._targets(without=tasks, phase=Phase.BACK)
        self._stop([self._tasks[task.name] for task in tasks if task.name in self._tasks], Phase.BACK)


class StopStart(Stage):
    """The naive way on one machine: stop the service, start the new one in its place."""

    USES_UNIX = True

    def _task(self, release: str, number: int) -> Task:
        task = super()._task(release, number)
        return type(task)(name=task.name, release=release, address=f"unix:{self.set.directory}/{number}.sock")

    def _are_ready(self, tasks: Sequence[Task]) -> None:
        # The proxy keeps its list: the new one answers where the old one did.
        served = {task.address for task in self._serving}
        if all(task.address in served for task in tasks):
            kept = [task for task in self._serving if task.address not in {new.address for new in tasks}]
            self._serving = (*kept, *tasks)
            for task in tasks:
                self.tell("task-shifted", Phase.READY, task)

    def running(self) -> tuple[Task, ...]:
        """Return what runs."""
        return tuple(each.task for each in self._tasks.values())

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:  # noqa: ARG002 - that is what is naive
        """Tell the proxy of new addresses only."""
        self._targets(adding=new)

    def retire(self, tasks: Sequence[Task]) -> None:
        """Stop."""
        self._stop([self._tasks[task.name] for task in tasks])


class SignalFirst(Kubernetes):
    """The naive way on ECS (StopTask, instance drain) and Kubernetes: SIGTERM while it still is a target."""


OURS: Mapping[str, type[Stage]] = {"host": Host, "ecs": Ecs, "kubernetes": Kubernetes}
NAIVE: Mapping[str, type[Stage]] = {"host": StopStart, "ecs": SignalFirst, "kubernetes": SignalFirst}
