"""A platform on a simulated clock that remembers what it was asked, and fails where it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.deploy.clock import SimulatedClock
from gunwale.deploy.roll import StepError
from gunwale.deploy.task import Task, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.deploy.clock import Clock


def tasks(release: str, numbers: Sequence[int]) -> tuple[Task, ...]:
    return tuple(
        Task(name=name_of(release, number), release=release, address=f"unix:/{release}.{number}")
        for number in numbers
    )


class Simulated:
    """Tasks boot in *boot* seconds; *fails* names (step, task) pairs, each failing once it comes."""

    def __init__(self, running: Sequence[Task] = (), *, boot: float = 1.0) -> None:
        self.clock: Clock = SimulatedClock()
        self.boot = boot
        self.alive: list[Task] = list(running)
        self.serving: list[Task] = list(running)
        self.fails: set[tuple[str, str]] = set()
        self.said: list[str] = []
        self.least_serving = len(running)
        self.most_alive = len(running)

    def running(self) -> tuple[Task, ...]:
        return tuple(self.serving)

    def start(self, release: str, numbers: Sequence[int]) -> tuple[Task, ...]:
        started = tasks(release, numbers)
        self._say("start", started)
        self.alive += started
        self.most_alive = max(self.most_alive, len(self.alive))
        return started

    def wait_ready(self, tasks: Sequence[Task], timeout: float) -> None:
        new = [task for task in tasks if task not in self.serving]
        boot = self.boot if new else 0.0
        self.clock.wait(min(boot, timeout))
        if boot > timeout:
            raise StepError(new[0].name, f"not ready within {timeout:g} s")
        self._say("ready" if new else "look", tasks)

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        self._say("shift", (*new, *old))
        kept = [task for task in self.serving if task not in old]
        self.serving = kept + [task for task in new if task not in kept]
        self.least_serving = min(self.least_serving, len(self.serving))

    def retire(self, tasks: Sequence[Task]) -> None:
        assert not set(tasks) & set(self.serving), "stopped while it has traffic"
        self._say("retire", tasks)
        self.alive = [task for task in self.alive if task not in tasks]

    def abandon(self, tasks: Sequence[Task]) -> None:
        assert not set(tasks) & set(self.serving), "stopped while it has traffic"
        self._say("abandon", tasks)
        self.alive = [task for task in self.alive if task not in tasks]

    def names(self) -> list[str]:
        assert set(self.serving) <= set(self.alive), "traffic goes to what does not run"
        return [task.name for task in self.serving]

    def _say(self, step: str, tasks: Sequence[Task]) -> None:
        self.said.append(f"{step} {' '.join(task.name for task in tasks)}".strip())
        for task in tasks:
            if (step, task.name) in self.fails:
                self.fails.remove((step, task.name))
                raise StepError(task.name, f"{step} failed", "its last line")
