"""Processes that outlive the one that started them, each known again by its id and the moment it began."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TICK = 0.02
_EXEC = 0.0005
_TAIL = 20  # lines of a log shown with a failure
_TAIL_BYTES = 65536
# What this process started, so that its end is noticed (no zombie) and its exit code known.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """Process *pid* that began at *ticks* (proc_pid_stat(5), field 22): ids are used again."""

    pid: int
    ticks: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the process that has this id now, if there is one that runs."""
        ticks = _ticks(pid)
        return None if ticks is None else cls(pid=pid, ticks=ticks)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        if child := _children.get(self.pid):
            child.poll()
        return _ticks(self.pid) == self.ticks

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None where it runs, or was not started by this process."""
        child = _children.get(self.pid)
        return child.poll() if child else None

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it still runs; never another one that got its id."""
        with contextlib.suppress(ProcessLookupError, OSError):
            fd = os.pidfd_open(self.pid)
            try:
                # The descriptor holds the id fast: what it is now, it stays.
                if _ticks(self.pid) == self.ticks:
                    signal.pidfd_send_signal(fd, number)
            finally:
                os.close(fd)

    def wait_end(self, timeout: float) -> bool:
        """Wait for its end; False where *timeout* passes first."""
        deadline = time.monotonic() + timeout
        while self.is_alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(_TICK)
        return True


def start(argv: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str]) -> Detached:
    """Start *argv* in a session of its own, its output appended to *log*; OSError where that fails."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
        )
    _children[child.pid] = child
    # Popen() returns in the middle of execve(2); the new environment, by which `marked` knows it, comes last.
    while env and _ticks(child.pid) is not None and not environ(child.pid):
        time.sleep(_EXEC)
    # Not gone yet, whatever it did: until it is waited for, its entry stays.
    ticks = _ticks(child.pid, zombies=True)
    assert ticks is not None
    return Detached(pid=child.pid, ticks=ticks)


def marked(name: str, value: str) -> list[Detached]:
    """Return the processes whose environment says *name*=*value*."""
    wanted = f"{name}={value}".encode()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = [Detached.of(pid) for pid in pids if wanted in environ(pid).split(b"\0")]
    return [each for each in found if each is not None]


def log_tail(log: Path, offset: int = 0) -> str:
    """Return the last lines that were written to *log*, none from before *offset*."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(offset, size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_TAIL:])


def environ(pid: int) -> bytes:
    """Read a process's environment; none where it has ended, or is another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _ticks(pid: int, *, zombies: bool = False) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The command in parentheses may itself hold spaces and parentheses.
    words = stat.rpartition(")")[2].split()
    if words[0] in {"Z", "X"} and not zombies:
        return None
    return int(words[19])
