"""What a rehearsal can make go wrong, and how it then should end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gunwale.measure.rehearse import faulty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.measure.rehearse.running import Running
    from gunwale.plan.model import Plan

Seconds = float

_FAULTY = "gunwale.measure.rehearse.faulty"
_SLOW_BALANCER = 2.0  # seconds: as long as any front here needs, and once more
_STRIKE_TIMEOUT = 20.0


class Kind(StrEnum):
    """The faults, by the names of the command line."""

    NONE = ""
    NEVER_READY = "never-ready"
    CRASH_AFTER_READY = "crash-after-ready"
    KILL_WORKER = "kill-worker"
    KILL_TASK = "kill-task"
    SLOW_CLIENT = "slow-client"
    DEPENDENCY_DOWN = "dependency-down"
    BALANCER_SLOW = "balancer-slow"


SURVIVED = frozenset({Kind.NONE, Kind.KILL_WORKER, Kind.SLOW_CLIENT, Kind.BALANCER_SLOW})
"""Those after which the new version is in place: the others end with the old one serving on."""


class Changed(NamedTuple):
    """The plan and the user's words of a release that is to fail."""

    plan: Plan
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault; it hits releases other than *spared* only, which is the one serving before."""

    kind: Kind = Kind.NONE
    directory: Path = Path()
    spared: str = "v1"
    slowness: Seconds = 0.0

    @classmethod
    def of(cls, name: str, directory: Path) -> Fault:
        """Return the fault of that name; "" is none."""
        kind = Kind(name)
        slowness = _SLOW_BALANCER if kind is Kind.BALANCER_SLOW else 0.0
        return cls(kind=kind, directory=directory, slowness=slowness)

    @property
    def should_succeed(self) -> bool:
        """Whether the roll-out is to come through in spite of it."""
        return self.kind in SURVIVED

    def change(self, release: str, plan: Plan, given: tuple[str, ...]) -> Changed:
        """Return what *release* is started with."""
        if release == self.spared:
            return Changed(plan, given)
        if self.kind is Kind.NEVER_READY:
            return Changed(replace(plan, app=f"{_FAULTY}:hangs()"), given)
        if self.kind is Kind.CRASH_AFTER_READY:
            return Changed(replace(plan, app=f"{_FAULTY}:crashes()"), given)
        if self.kind is Kind.DEPENDENCY_DOWN:
            checks = [*plan.health.checks, f"{_FAULTY}:dependency"]
            listed = ", ".join(f'"{each}"' for each in checks)
            return Changed(plan, (*given, f"health.checks=[{listed}]"))
        return Changed(plan, given)

    def environ(self, release: str, plan: Plan) -> dict[str, str]:
        """Return what its environment has more."""
        if self.kind is not Kind.CRASH_AFTER_READY or release == self.spared:
            return {}
        return {faulty.APP: str(plan.app), faulty.CRASH: str(self._crash)}

    def strike(self, ready: Sequence[Running]) -> bool:
        """Do it to one of the new tasks, which are all *ready*; whether they are to be looked at again."""
        victim = ready[-1]
        if victim.task.release == self.spared:
            return False
        if self.kind is Kind.CRASH_AFTER_READY:
            workers = _workers(victim)
            self._crash.touch()
            _wait_gone(victim, workers)
        elif self.kind is Kind.KILL_TASK:
            victim.process.kill()
        elif self.kind is Kind.KILL_WORKER:
            os.kill(_a_worker(victim), signal.SIGKILL)
        else:
            return False
        return True

    @property
    def _crash(self) -> Path:
        return self.directory / "crash"


def _wait_gone(victim: Running, workers: set[int]) -> None:
    """Wait until none of *workers* lives: one that is late would still look well to a check."""
    until = time.monotonic() + _STRIKE_TIMEOUT
    while workers & set(victim.process.pids()) and time.monotonic() < until:
        time.sleep(0.02)


def _a_worker(victim: Running) -> int:
    return max(_workers(victim))


def _workers(victim: Running) -> set[int]:
    """Return the processes of the task that have no children: those that run the application."""
    pids = set(victim.process.pids()) - {victim.process.pid}
    parents = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            parents.add(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]))
    return (pids - parents) or pids
