"""Tasks that run and are no use any more: the keeper asks each how it is, and ends one that is wedged.

What ends a task is its liveness alone, which serve answers by itself: a dependency that is down makes every
task unready, and a restart of all of them would only add to it.
"""

from __future__ import annotations

import math
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.deploy import detached, launch
from gunwale.deploy.ask import ask
from gunwale.deploy.state import Role

if TYPE_CHECKING:
    from gunwale.deploy.balancers.caddy import Caddy
    from gunwale.deploy.detached import Detached
    from gunwale.deploy.state import Paths, Release, Site, TaskState

Seconds = float

FAILURES = 3  # in a row, an interval apart; as Kubernetes' failureThreshold
_GRACE = 2.0  # seconds a task has to end by itself, also where it has nothing in flight


@dataclass(slots=True, kw_only=True)
class _Watch:
    """What one *process* of a task has answered *since* it was seen first."""

    process: Detached | None
    since: Seconds
    asked: Seconds = -math.inf
    has_answered: bool = False
    failures: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """The one task that is being ended: at the latest *kill_at*, and looked after until *over_at*."""

    name: str
    process: Detached
    since: Seconds
    kill_at: Seconds
    over_at: Seconds


class Liveness:
    """How the tasks of the site below *paths* are."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._watches: dict[str, _Watch] = {}
        self._ending: _Ending | None = None

    def ask(self, task: TaskState, release: Release) -> bool | None:
        """Ask whether *task* lives and is ready; None where it is not time: once an interval.

        Who is out is asked at every look, to have traffic again at once, unless it fails its liveness.
        """
        now = time.monotonic()
        watch = self._watches.get(task.name)
        if watch is None or watch.process != task.process:
            watch = self._watches[task.name] = _Watch(process=task.process, since=now)
        is_eager = task.is_out and not watch.failures
        if now - watch.asked < release.interval and not is_eager:
            return None
        watch.asked = now
        if why := self._trouble(task, release.liveness_path, release.timeout):
            # A task that boots has not answered yet, and may take its time.
            if watch.has_answered or now - watch.since > release.ready_timeout:
                watch.failures += 1
                watch.why = f"alive, but {why}, {watch.failures} times in a row"
            return False
        watch.has_answered, watch.failures = True, 0
        return not self._trouble(task, release.readiness_path, release.timeout)

    def _trouble(self, task: TaskState, path: str, timeout: Seconds) -> str:
        try:
            status = ask(self._paths.admin(task.name), path, timeout=timeout).status
        except OSError:
            return f"{path} did not answer"
        return "" if status == 200 else f"{path} answered {status}"

    def wedged(self, site: Site) -> tuple[TaskState, str] | None:
        """Return a task that is to be ended, and why; none while another one is not back yet."""
        if self._ending and not self._is_over(self._ending, site):
            return None
        self._ending = None
        for task in site.serving():
            watch = self._watches.get(task.name)
            if watch and watch.process == task.process and task.is_alive and watch.failures >= FAILURES:
                return task, watch.why
        return None

    def end(self, task: TaskState, release: Release) -> None:
        """Begin to end *task*, which is out of the proxy: it drains if it still can."""
        assert task.process is not None
        now = time.monotonic()
        kill_at = now + _GRACE + release.request_timeout
        over_at = kill_at + release.ready_timeout
        self._ending = _Ending(
            name=task.name, process=task.process, since=now, kill_at=kill_at, over_at=over_at
        )
        task.process.send(signal.SIGTERM)

    def kill_late(self, site: Site, caddy: Caddy) -> None:
        """Kill the task that is being ended when nothing is in flight to it, or its time is over."""
        ending, now = self._ending, time.monotonic()
        if ending is None or not ending.process.is_alive or self._is_over(ending, site):
            return
        is_idle = caddy.in_flight(self._paths.task(site.tasks[ending.name])) == 0
        if now > ending.kill_at or (is_idle and now - ending.since > _GRACE):
            # Its workers too: where they are stopped, they do not notice the end of their parent.
            for process in detached.marked(launch.MARK, launch.mark(self._paths, ending.name)):
                process.send(signal.SIGKILL)

    @staticmethod
    def _is_over(ending: _Ending, site: Site) -> bool:
        task = site.tasks.get(ending.name)
        if task is None or task.role is not Role.SERVING or time.monotonic() > ending.over_at:
            return True
        return task.process != ending.process and task.is_alive and not task.is_out
