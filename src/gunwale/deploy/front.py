"""What nginx, HAProxy and Envoy have in common when they stand in front of a rehearsal: a process, a port.

They retry nothing and check nothing themselves: what a roll-out does is to be seen, not to be made good.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sysconfig
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from gunwale.deploy.ports import free_port
from gunwale.errors import Problem, StartError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

    from gunwale.deploy.task import Task

Seconds = float

TASK_FIELD = "X-Gunwale-Task"
"""The response field of a rehearsal that tells which task answered."""
IDLE_TIMEOUT = 60.0  # an ALB's default (facts: A1)
_START_TIMEOUT = 20.0
_IN_FORCE_TIMEOUT = 20.0


class Launched(Protocol):
    """A process that somebody owns (`gunwale.measure.process.OwnedProcess`)."""

    @property
    def pid(self) -> int:
        """The process id."""

    def start(self) -> object:
        """Start it."""

    def kill(self) -> None:
        """End it and all its descendants."""

    def send(self, number: signal.Signals) -> object:
        """Signal it alone."""

    def children(self) -> tuple[int, ...]:
        """Return its children alive."""

    def wait_until(self, is_true: Callable[[], object], timeout: Seconds, what: str) -> None:
        """Wait; RuntimeError with the log's end when it does not come true."""


class Launch(Protocol):
    """How a process comes to be owned."""

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> Launched:
        """Return the command, not started yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the plan says to a front. *port* 0 is one that is free.

    *names_tasks* adds the field that tells who answered: in rehearsals, never in production.
    """

    port: int = 0
    idle_timeout: Seconds = IDLE_TIMEOUT
    request_timeout: Seconds = 30.0
    body_limit: int | None = None
    names_tasks: bool = True


class Front(ABC):
    """A proxy as a process of its own; a product adds how it is told its targets."""

    PROGRAM: ClassVar[str]
    INSTALL: ClassVar[str]

    def __init__(self, directory: Path, *, launch: Launch, settings: Settings | None = None) -> None:
        self.directory = directory.resolve()
        self.settings = settings or Settings()
        self.port = self.settings.port
        self.targets: tuple[Task, ...] = ()
        self._launch = launch
        self._process: Launched | None = None

    @property
    def url(self) -> str:
        """Where clients ask."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> Launched:
        """The running proxy."""
        if self._process is None:
            raise RuntimeError(f"{self.PROGRAM} is not started")
        return self._process

    @abstractmethod
    def command(self) -> list[str]:
        """Write the configuration and return what runs it."""

    def start(self) -> None:
        """Run until stop(); StartError with the end of its log where it does not come up."""
        self.directory.mkdir(parents=True, exist_ok=True)
        program = find(self.PROGRAM, self.INSTALL)
        self.port = self.port or free_port()
        if _is_listening(self.port):
            message = f"port {self.port} is in use"
            hint = "give another --port, or none: a free one is taken then"
            raise StartError(Problem(where=self.PROGRAM, message=message, hint=hint))
        home = str(self.directory)
        self._process = self._launch(
            [program, *self.command()],
            log=self.directory / f"{self.PROGRAM}.log",
            cwd=self.directory,
            env={"HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home},
        )
        try:
            self._process.start()
            self.wait_until(
                lambda: _is_listening(self.port), f"listening on port {self.port}", _START_TIMEOUT
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()

    def wait_until(
        self, is_true: Callable[[], object], what: str, timeout: Seconds = _IN_FORCE_TIMEOUT
    ) -> None:
        """Wait for *is_true*; StartError with the end of the proxy's log where it does not come."""
        try:
            self.process.wait_until(is_true, timeout, what)
        except RuntimeError as error:
            raise StartError(Problem(where=self.PROGRAM, message=str(error))) from error

    @abstractmethod
    def set_targets(self, tasks: Sequence[Task]) -> None:
        """Let *tasks* and no others get new requests; returns when that is in force."""

    def in_flight(self, task: Task) -> int | None:  # noqa: ARG002 - what a product may know better
        """Count the requests *task* still answers; None: cannot say."""
        return None


def find(program: str, install: str) -> str:
    """Return the path of *program*, from a wheel or the system; StartError that says how to get it."""
    beside = Path(sysconfig.get_path("scripts")) / program
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(program)
    if found is None:
        raise StartError(Problem(where=program, message="is not installed", hint=install))
    return found


def unix_path(task: Task) -> str | None:
    """Return the path where *task* listens on a Unix socket, None where it is host:port."""
    return task.address.removeprefix("unix:") if task.address.startswith("unix:") else None


def host_port(task: Task) -> tuple[str, int]:
    """Return the address and port of a *task* on TCP."""
    host, _, port = task.address.rpartition(":")
    return host.strip("[]"), int(port)


def write(path: Path, text: str) -> Path:
    """Put *text* in place at once: a reader sees the old file or the new one, whole."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    return new.replace(path)


def _is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
