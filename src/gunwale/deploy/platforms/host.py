"""This machine: tasks are `gunwale serve` on Unix sockets, in sessions of their own, behind a Caddy."""

from __future__ import annotations

import contextlib
import json
import signal
from typing import TYPE_CHECKING

from gunwale.deploy import detached, launch
from gunwale.deploy.ask import ask
from gunwale.deploy.events import Phase
from gunwale.deploy.roll import StepError
from gunwale.deploy.state import Role, TaskState
from gunwale.deploy.task import Task, name_of
from gunwale.errors import GunwaleError
from gunwale.serve.ask import ask as ask_serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gunwale.deploy.balancers.caddy import Caddy
    from gunwale.deploy.clock import Clock
    from gunwale.deploy.detached import Detached
    from gunwale.deploy.events import EventLog
    from gunwale.deploy.state import Paths, Release, Site, State

_TICK = 0.05
_SETTLE = 0.1  # a request whose task was chosen just before the shift is counted by then
_MOST_IDLE = 2.0  # seconds that a proxy's idle connections are waited for
_ABANDON = 5.0  # seconds a failed task, which has no traffic, gets to end by itself
_ANSWER = 2.0


class Interrupted:
    """A clock that is cut short, once, when *asked* says that somebody wants the roll-out to end."""

    def __init__(self, clock: Clock, asked: Callable[[], str]) -> None:
        self._clock, self._asked = clock, asked
        self._is_told = False

    def now(self) -> float:
        """Return the time."""
        return self._clock.now()

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass; StepError where it is to end."""
        until = self.now() + seconds
        while True:
            self.look()
            left = until - self.now()
            if left <= 0:
                return
            self._clock.wait(min(_TICK, left))

    def look(self) -> None:
        """Raise StepError where it is to end; the way back is not cut short by the same word."""
        if not self._is_told and (why := self._asked()):
            self._is_told = True
            raise StepError(None, why)


class Host:
    """The tasks of one site; every change of what should be is written before it is done."""

    def __init__(
        self,
        state: State,
        caddy: Caddy,
        events: EventLog,
        clock: Clock,
        asked: Callable[[], str] = lambda: "",
    ) -> None:
        self.clock: Interrupted = Interrupted(clock, asked)
        self._patient = clock
        self._state, self._caddy, self._events = state, caddy, events
        self._started: dict[str, Detached] = {}
        self._logs: dict[str, int] = {}
        self._workers: dict[str, frozenset[int]] = {}

    @property
    def _paths(self) -> Paths:
        return self._state.paths

    def running(self) -> tuple[Task, ...]:
        """Return what should have traffic now, oldest first."""
        site = self._state.read()
        return tuple(self._paths.task(each) for each in site.serving()) if site else ()

    def start(self, release: str, numbers: Sequence[int]) -> tuple[Task, ...]:
        """Start tasks; each is written down first, so that a kill in between leaves none unknown."""
        names = [name_of(release, number) for number in numbers]
        with self._state.change() as site:
            for name in names:
                site.tasks[name] = TaskState(name=name, release=release, role=Role.STARTING)
            found = site.releases[release]
        tasks = tuple(self._paths.task(TaskState(name=n, release=release, role=Role.STARTING)) for n in names)
        try:
            for name in names:
                self._start_one(found, name)
        except OSError as error:
            self.abandon(tasks)
            raise StepError(name, f"cannot be started: {error}") from error
        return tasks

    def _start_one(self, release: Release, name: str) -> None:
        log = self._paths.log(name)
        self._logs[name] = log.stat().st_size if log.exists() else 0
        process = launch.start(self._paths, release, name)
        self._started[name] = process
        with self._state.change() as site:
            site.tasks[name].pid, site.tasks[name].ticks = process.pid, process.ticks
        self._events.tell("task-started", phase=Phase.START, task=name, pid=process.pid)

    def wait_ready(self, tasks: Sequence[Task], timeout: float) -> None:
        """Wait until each says that it is ready, and answers through the proxy."""
        began = self.clock.now()
        site = self._state.read()
        assert site is not None
        waiting = {task.name: "it did not answer" for task in tasks}
        while waiting:
            for task in tasks:
                if task.name in waiting:
                    why = self._not_ready(task, site)
                    if why and task.name in self._workers:
                        raise self._failure(task.name, f"no longer ready: {why}")
                    if why:
                        waiting[task.name] = why
                        continue
                    del waiting[task.name]
                    self._proven(task)
            if not waiting:
                return
            if self.clock.now() - began > timeout:
                name, why = next(iter(waiting.items()))
                raise self._failure(name, f"not ready within {timeout:g} s: {why}")
            self.clock.wait(_TICK)

    def _proven(self, task: Task) -> None:
        """Note who answered first, and at each later look whether anybody of them still lives."""
        workers = _workers(task)
        before = self._workers.setdefault(task.name, workers)
        if before is workers:
            self._events.tell("task-ready", phase=Phase.READY, task=task.name)
        elif before and workers and before.isdisjoint(workers):
            raise self._failure(task.name, "every worker died after it was ready, and was started again")

    def _not_ready(self, task: Task, site: Site) -> str:
        """Tell why *task* is not ready, or ""; StepError where its process has ended."""
        process = self._started.get(task.name) or site.tasks[task.name].process
        if process is None or not process.is_alive:
            code = process.exit_code if process else None
            how = f"ended with exit code {code}" if code is not None and code >= 0 else "was killed"
            raise self._failure(task.name, f"{how} before it was ready" if code != 0 else "ended by itself")
        release = site.releases[task.release]
        try:
            own = ask(self._paths.admin(task.name), release.readiness_path, timeout=_ANSWER)
            if own.status != 200:
                return f"{release.readiness_path} answers {own.status} {_said(own.body)}".strip()
            through = self._caddy.probe(task, release.readiness_path, release.host, _ANSWER)
        except OSError as error:
            return f"it did not answer ({error.strerror or error})"
        if through.status != 200:
            return f"{release.readiness_path} answers {through.status} through the proxy"
        return ""

    def shift(self, new: Sequence[Task], old: Sequence[Task]) -> None:
        """Give *new* traffic, and *old* no more: one write to the state, then the proxy's files."""
        with self._state.change() as site:
            for task in old:
                if task.name in site.tasks:
                    site.tasks[task.name].role = Role.LEAVING
            for task in new:
                site.tasks[task.name].role = Role.SERVING
        self.sync()
        for task in new:
            self._events.tell("task-shifted", phase=Phase.SHIFT, task=task.name)
        for task in old:
            self._events.tell("target-removed", phase=Phase.SHIFT, task=task.name)

    def sync(self) -> None:
        """Have the proxy's targets be what the state says."""
        with self._state.change() as site:
            set_targets(self._caddy, self._paths, site)

    def retire(self, tasks: Sequence[Task]) -> None:
        """Stop each when nothing of it is in flight: SIGTERM, on which serve drains, and at last SIGKILL."""
        site = self._state.read()
        assert site is not None
        began = self._patient.now()
        # As long as the proxy keeps a connection to a task, the task's server takes seconds to end.
        quiet = _SETTLE + min(self._caddy.site.idle_timeout, _MOST_IDLE)
        draining = {task.name: (task, began) for task in tasks}
        stopping: dict[str, float] = {}
        while draining or stopping:
            self._patient.wait(_TICK)
            now = self._patient.now()
            for name, (task, _) in list(draining.items()):
                if self._caddy.in_flight(task):
                    draining[name] = task, now
                is_idle = now - draining[name][1] >= quiet
                if is_idle or now - began > site.releases[task.release].request_timeout + quiet:
                    del draining[name]
                    stopping[name] = now
                    self._signal(site, name, signal.SIGTERM)
                    self._events.tell("signalled", phase=Phase.STOP, task=name, idle=is_idle)
            for name, since in list(stopping.items()):
                is_late = now - since > site.releases[site.tasks[name].release].stop_timeout
                if is_late or not self._is_alive(site, name):
                    del stopping[name]
                    self._end(name, "task-killed" if is_late else "task-stopped")

    def abandon(self, tasks: Sequence[Task]) -> None:
        """Stop tasks that failed; they have no traffic, and their logs stay."""
        site = self._state.read()
        assert site is not None
        left = {task.name for task in tasks}
        for name in left:
            self._signal(site, name, signal.SIGTERM)
        until = self._patient.now() + _ABANDON
        while left and self._patient.now() < until:
            left = {name for name in left if self._is_alive(site, name)}
            if left:
                self._patient.wait(_TICK)
        for task in tasks:
            self._end(task.name, "task-killed" if task.name in left else "task-stopped", Phase.BACK)

    def recover(self) -> None:
        """Put in order what a roll-out left that was killed: the tasks with traffic stay, the others go."""
        site = self._state.read()
        assert site is not None
        self.sync()
        left = [self._paths.task(each) for each in site.tasks.values() if each.role is not Role.SERVING]
        if site.rolling:
            names = [task.name for task in left]
            self._events.tell("note", phase=Phase.BACK, reason="a roll-out was cut short", tasks=names)
        self.abandon([task for task in left if site.tasks[task.name].role is Role.STARTING])
        self.retire([task for task in left if site.tasks[task.name].role is Role.LEAVING])
        with self._state.change() as site:
            site.rolling = None

    def _signal(self, site: Site, name: str, number: signal.Signals) -> None:
        process = site.tasks[name].process or self._started.get(name)
        if process:
            process.send(number)

    def _is_alive(self, site: Site, name: str) -> bool:
        process = site.tasks[name].process or self._started.get(name)
        return process is not None and process.is_alive

    def _end(self, name: str, how: str, phase: Phase = Phase.STOP) -> None:
        """Leave nothing of a task but its log."""
        with self._state.change() as site:
            site.tasks.pop(name, None)
        for process in detached.marked(launch.MARK, launch.mark(self._paths, name)):
            process.send(signal.SIGKILL)
        for path in (self._paths.socket(name), self._paths.admin(name)):
            path.unlink(missing_ok=True)
        self._started.pop(name, None)
        self._events.tell(how, phase=phase, task=name)

    def _failure(self, name: str, reason: str) -> StepError:
        tail = detached.log_tail(self._paths.log(name), self._logs.get(name, 0))
        return StepError(name, reason, tail)


def set_targets(caddy: Caddy, paths: Paths, site: Site) -> None:
    """Give the proxy the tasks that should serve and do; where none does, all of them."""
    serving = site.serving()
    well = [task for task in serving if not task.is_out]
    try:
        caddy.set_targets([paths.task(task) for task in well or serving])
    except OSError as error:
        raise StepError(None, f"the proxy's targets cannot be written: {error}") from error


def _workers(task: Task) -> frozenset[int]:
    """Return the processes that answer for *task* now; none where serve cannot say."""
    try:
        for answer in ask_serve(task.address, {"do": "status"}):
            generations = answer.get("status", {}).get("generations", [])
            return frozenset(worker["pid"] for each in generations for worker in each["workers"])
    except (GunwaleError, OSError, ValueError):
        pass
    return frozenset()


def _said(body: bytes) -> str:
    with contextlib.suppress(ValueError):
        found = json.loads(body)
        if isinstance(found, dict):
            return " ".join(str(value) for value in found.values())
    return ""
