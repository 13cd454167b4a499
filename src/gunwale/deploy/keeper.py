"""The keeper: starts again whatever of a site dies or is wedged, and sees to it who gets requests.

Nothing of the site depends on it from moment to moment: it may be killed, and the next verb, or systemd,
starts it again.  It writes no roll-out, only what has happened to tasks that should serve.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import detached, launch
from gunwale.deploy.balancers.caddy import Caddy, write
from gunwale.deploy.clock import RealClock
from gunwale.deploy.detached import Detached
from gunwale.deploy.events import EventLog, Phase
from gunwale.deploy.liveness import Liveness
from gunwale.deploy.platforms.host import set_targets
from gunwale.deploy.roll import StepError
from gunwale.deploy.state import Paths, Role, State
from gunwale.errors import StartError

if TYPE_CHECKING:
    from gunwale.deploy.state import Site, TaskState

TAKE_OVER = "--take-over"
"""Said by systemd: what it starts and ends at once would be no service to it."""
_LOOK = 0.5  # seconds between two looks, unless a process dies
_BACKOFF = (0.1, 10.0)
_WELL = 60.0  # seconds after which a task that died again is no crash loop


@dataclass(slots=True)
class _Deaths:
    """When a task may be started again, after how long a wait, and when it was last."""

    wait: float = _BACKOFF[0]
    due: float = 0.0
    last: float = 0.0


class Keeper:
    """One keeper of the site below *paths*."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.state = State(paths)
        self.events = EventLog(paths.events, clock=RealClock())
        self._deaths: dict[str, _Deaths] = {}
        self._liveness = Liveness(paths)
        self._ended: dict[str, str] = {}
        self._caddy_due = 0.0

    def run(self) -> None:
        """Keep the site until it is brought down."""
        while (site := self.state.read()) and site.is_up:
            self.events.roll = site.rolls
            try:
                self._look(site)
            except (OSError, StepError) as error:
                # A full disk, for one: it may have room again, and somebody must be here then.
                _log(str(error))
                time.sleep(_LOOK)
            self._wait()

    def _look(self, site: Site) -> None:
        self._caddy(site)
        for task in site.serving():
            if not task.is_alive:
                self._again(task)
        self._health(site)
        self._wedged(site)

    def _caddy(self, site: Site) -> None:
        caddy = Caddy(self.paths.run, site.caddy)
        if caddy.process or time.monotonic() < self._caddy_due:
            return
        with self.state.change() as now:
            # Somebody else may have started it meanwhile, or brought the site down.
            if not now.is_up or caddy.process:
                return
            set_targets(caddy, self.paths, now)
            try:
                caddy.start()
            except StartError as error:
                self._caddy_due = time.monotonic() + _BACKOFF[1]
                self.events.tell("note", phase=Phase.STEADY, reason=str(error))
                return
        self.events.tell("balancer-restarted", phase=Phase.STEADY)

    def _again(self, task: TaskState) -> None:
        """Start a task again, later and later where it dies at once; it gets requests when it is ready."""
        now = time.monotonic()
        deaths = self._deaths.setdefault(task.name, _Deaths())
        if not task.is_out:
            if now - deaths.last > _WELL:
                deaths.wait = _BACKOFF[0]
            deaths.due = now + (deaths.wait if deaths.last else 0.0)
            self._set_out(task, is_out=True)
            self.events.tell("task-died", phase=Phase.STEADY, task=task.name)
        if now < deaths.due:
            return
        deaths.last, deaths.wait = now, min(2 * deaths.wait, _BACKOFF[1])
        deaths.due = now + deaths.wait
        with self.state.change() as site:
            found = site.tasks.get(task.name)
            if not site.is_up or found is None or found.role is not Role.SERVING or found.is_alive:
                return
            try:
                process = launch.start(self.paths, site.releases[found.release], found.name)
            except OSError as error:
                self.events.tell("note", phase=Phase.STEADY, task=task.name, reason=str(error))
                return
            found.pid, found.ticks, found.is_out = process.pid, process.ticks, True
            found.restarts += 1
            found.restarted = datetime.now(UTC).isoformat(timespec="seconds")
            found.trouble = self._ended.pop(task.name, "its process had ended")
        self.events.tell("task-restarted", phase=Phase.STEADY, task=task.name, pid=process.pid)

    def _health(self, site: Site) -> None:
        """Ask each task how it is: one that is not well gets no requests while another one does."""
        for task in site.serving():
            is_ready = self._liveness.ask(task, site.releases[task.release]) if task.is_alive else None
            if is_ready is not None and is_ready == task.is_out:
                self._set_out(task, is_out=not is_ready)
                event = "task-ready" if is_ready else "task-not-ready"
                self.events.tell(event, phase=Phase.STEADY, task=task.name)

    def _wedged(self, site: Site) -> None:
        """End a task that runs and does not live; it is started again as any that died."""
        self._liveness.kill_late(site, Caddy(self.paths.run, site.caddy))
        found = self._liveness.wedged(site)
        if found is None:
            return
        task, why = found
        if self._set_out(task, is_out=True, trouble=why):
            self._ended[task.name] = why
            self.events.tell("task-wedged", phase=Phase.STEADY, task=task.name, reason=why)
            _log(f"{task.name}: {why}: it is started again")
            self._liveness.end(task, site.releases[task.release])

    def _set_out(self, task: TaskState, *, is_out: bool, trouble: str = "") -> bool:
        """Write it down, and have the proxy know; False where *task* is not what it was any more."""
        with self.state.change() as site:
            found = site.tasks.get(task.name)
            if found is None or found.role is not Role.SERVING or found.process != task.process:
                return False
            found.is_out, found.trouble = is_out, trouble or found.trouble
            set_targets(Caddy(self.paths.run, site.caddy), self.paths, site)
        task.is_out = is_out
        return True

    def _wait(self) -> None:
        """Wait for the next look, or until a process of the site dies."""
        site = self.state.read()
        if site is None:
            return
        caddy = Caddy(self.paths.run, site.caddy).process
        processes = [*(task.process for task in site.serving()), caddy]
        poller, fds = select.poll(), []
        for process in processes:
            if process and process.is_alive:
                with contextlib.suppress(OSError):
                    fds.append(os.pidfd_open(process.pid))
        for fd in fds:
            poller.register(fd, select.POLLIN)
        is_out = any(task.is_out for task in site.serving())
        poller.poll(1000 * (_BACKOFF[0] if is_out else _LOOK))
        for fd in fds:
            os.close(fd)


def _log(words: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"gunwale: keeper: {words}\n".encode())


def process(paths: Paths) -> Detached | None:
    """Return the running keeper of a site."""
    try:
        found = json.loads(paths.keeper.read_text())
        known = Detached(pid=found["pid"], ticks=found["ticks"])
    except (OSError, ValueError, KeyError):
        return None
    return known if known.is_alive else None


def ensure(paths: Paths) -> bool:
    """Start the keeper where there is none; whether that was so."""
    if process(paths):
        return False
    argv = [sys.executable, "-P", "-m", "gunwale.deploy.keeper", str(paths.root)]
    env = launch.without_marks(os.environ)
    detached.start(argv, log=paths.log("keeper"), cwd=paths.root, env=env)
    return True


def main() -> None:
    """Keep the site whose folder is given; with a keeper there already, end, or take its place."""
    paths, takes_over = Paths(Path(sys.argv[1])), TAKE_OVER in sys.argv[2:]
    if takes_over and (running := process(paths)):
        running.send(signal.SIGTERM)
    with (paths.root / "keeper.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if takes_over else fcntl.LOCK_NB))
        except BlockingIOError:
            return
        me = Detached.of(os.getpid())
        assert me is not None
        write(paths.keeper, json.dumps({"pid": me.pid, "ticks": me.ticks}).encode())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        Keeper(paths).run()


if __name__ == "__main__":
    main()
