"""What is known of one site on this machine: a file that is replaced at once, so that any kill leaves one.

It says what should be; which process is there is asked of the kernel.  Every change reads it again under a
lock that is held for that moment only, since the keeper and a roll-out both write.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.deploy.caddy_config import Site as Front
from gunwale.deploy.detached import Detached
from gunwale.deploy.task import Task
from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = 1


class Role(StrEnum):
    """What a task is there for."""

    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version: *directory* as it stands, run by *python* with *arguments* after its "-m gunwale".

    *given* is what the command line said of it.  *origin* is the release whose directory it is (itself, but
    for a rollback), *created* is RFC 3339, *host* a name that the application answers to.  The rest are its
    plan's paths and numbers, in seconds.
    """

    name: str
    directory: str
    python: str
    arguments: tuple[str, ...] = ("serve",)
    given: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    created: str = ""
    host: str = "localhost"
    liveness_path: str = "/health"
    readiness_path: str = "/ready"
    interval: float = 5.0
    timeout: float = 2.0
    ready_timeout: float = 60.0
    request_timeout: float = 30.0
    stop_timeout: float = 60.0


@dataclass(slots=True, kw_only=True)
class TaskState:
    """A task that should be there; *is_out*: it answers not, and gets no requests while others do.

    The keeper has started it again as often as *restarts* says, *restarted* the last time, for its *trouble*.
    """

    name: str
    release: str
    role: Role
    pid: int | None = None
    ticks: int | None = None
    is_out: bool = False
    restarts: int = 0
    restarted: str = ""
    trouble: str = ""

    @property
    def process(self) -> Detached | None:
        """Its process, if that is known."""
        if self.pid is None or self.ticks is None:
            return None
        return Detached(pid=self.pid, ticks=self.ticks)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        process = self.process
        return process is not None and process.is_alive


@dataclass(slots=True, kw_only=True)
class Site:
    """One site: its *front* (caddy_config.Site's values), releases, tasks, and how far a roll-out came.

    *allow_root*: the operator said that its application may run as root.
    *live* are the releases that were rolled out with success, oldest first; *rolling* is the one that is
    being rolled out, or was when its gunwale died.
    """

    name: str
    project: str
    is_up: bool = False
    allow_root: bool = False
    url: str = ""
    front: dict[str, Any] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    tasks: dict[str, TaskState] = field(default_factory=dict)
    live: list[str] = field(default_factory=list)
    rolling: str | None = None
    rolls: int = 0

    def next_release(self) -> str:
        """Return a name that no release had."""
        return f"v{1 + max((int(name[1:]) for name in self.releases), default=0)}"

    @property
    def caddy(self) -> Front:
        """The front as it was told last."""
        return Front(**{**self.front, "names": tuple(self.front["names"])})

    def serving(self) -> list[TaskState]:
        """Return the tasks that should have traffic, oldest first."""
        return [task for task in self.tasks.values() if task.role is Role.SERVING]


class Paths:
    """Where everything of a site lies below its folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "site.json"
        self.run = root / "run"
        self.logs = root / "logs"
        self.events = root / "events.jsonl"
        self.audit = root / "audit.jsonl"
        self.keeper = root / "keeper.json"

    def make(self) -> None:
        """Make the folders; only their user comes in: sockets, logs and environments are in them."""
        for folder in (self.root, self.run, self.logs, self.root / "environ"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def socket(self, task: str) -> Path:
        """Where a task listens."""
        return self.run / f"{task}.sock"

    def admin(self, task: str) -> Path:
        """Where a task's admin port is."""
        return self.run / f"{task}.admin"

    def log(self, name: str) -> Path:
        """Where a task's, or another process's, output goes."""
        return self.logs / f"{name}.log"

    def environ(self, release: str) -> Path:
        """Where the environment of a release is kept."""
        return self.root / "environ" / f"{release}.json"

    def task(self, found: TaskState) -> Task:
        """Return the task as balancers know it."""
        return Task(name=found.name, release=found.release, address=f"unix:{self.socket(found.name)}")


class State:
    """The site's file below *paths*."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def read(self) -> Site | None:
        """Return the site, or None where there is none yet."""
        try:
            text = self.paths.state.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return _from_json(self.paths.state, json.loads(text))

    @contextlib.contextmanager
    def change(self) -> Iterator[Site]:
        """Let the block change the site; it is written at the end, unless the block raises."""
        with (self.paths.root / "state.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            site = self.read()
            assert site is not None
            yield site
            self._write(site)

    def create(self, site: Site) -> None:
        """Write a new site."""
        self.paths.make()
        self._write(site)

    def _write(self, site: Site) -> None:
        new = self.paths.state.with_suffix(f".{os.getpid()}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, **asdict(site)}, file, indent=1)
            file.flush()
            # Also after a power cut it is the old file or the new, never an empty one.
            os.fsync(file.fileno())
        new.rename(self.paths.state)


def _from_json(path: Path, found: dict[str, Any]) -> Site:
    if found.pop("version", None) != _VERSION:
        hint = "use the gunwale that wrote it, or bring the site down with that one and up with this"
        raise ConfigurationError(Problem(where=str(path), message="is of another version", hint=hint))
    releases = {
        name: Release(**{**each, "arguments": tuple(each["arguments"])})
        for name, each in found.pop("releases").items()
    }
    tasks = {
        name: TaskState(**{**each, "role": Role(each["role"])}) for name, each in found.pop("tasks").items()
    }
    return Site(releases=releases, tasks=tasks, **found)


def folder(name: str, given: Path | None, environ: dict[str, str]) -> Path:
    """Return the folder of site *name*: *given*, or the usual one of this user."""
    if given is not None:
        return given.absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/gunwale") / name
    home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local/state")
    return Path(home) / "gunwale" / name
