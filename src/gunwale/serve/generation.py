"""One generation: a server's process tree in a session of its own, on sockets of its own."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

# Python ignores or handles these in itself; a server starts with the kernel's own defaults.
_RESET = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Generation:
    """The tree of one server start, and the sockets it accepts from."""

    def __init__(self, number: int, members: list[socket.socket]) -> None:
        self.number = number
        self.members = members
        self.pid = 0
        self.started = time.monotonic()
        self.status: int | None = None
        """Of the leader, as subprocess has it: negative for a signal; None while it lives."""
        self._words = -1

    def start(self, command: Mapping[str, Any], descriptors: Mapping[str, int]) -> None:
        """Start the server; *descriptors* (name → number) are inherited under their own numbers."""
        # What it says on stderr while it boots is kept too, for whoever asked for it.
        self._words = os.memfd_create("gunwale-boot-log")
        listeners = [member.fileno() for member in self.members]
        inherited = {**descriptors, "boot_log": self._words}
        told = {**inherited, "listeners": listeners, "generation": self.number}
        self.pid = os.posix_spawn(
            command["argv"][0],
            command["argv"],
            {**os.environ, **command["environ"], "GUNWALE_SUPERVISED": json.dumps(told)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                # Onto itself: clears close-on-exec in the child only, so that no other generation gets it.
                *((os.POSIX_SPAWN_DUP2, fd, fd) for fd in (*inherited.values(), *listeners)),
            ],
            setsid=True,
            # Until it can hear it: a log file rotated while it boots must not end it.
            setsigmask=[signal.SIGUSR1],
            setsigdef=_RESET,
        )

    def last_words(self, lines: int = 60) -> list[str]:
        """Give the end of what it said while it booted."""
        if self._words < 0:
            return []
        return os.pread(self._words, 1 << 20, 0).decode("utf-8", "replace").splitlines()[-lines:]

    def forget_words(self) -> None:
        """Close the copy: the server is up."""
        if self._words >= 0:
            os.close(self._words)
            self._words = -1

    def signal(self, number: int) -> None:
        """Tell the leader."""
        if self.status is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the whole tree at once."""
        with contextlib.suppress(ProcessLookupError):
            if self.pid:  # else it never started
                os.killpg(self.pid, signal.SIGKILL)

    @property
    def is_gone(self) -> bool:
        """The leader and everything it started in its process group are gone."""
        if self.status is not None:
            try:
                os.killpg(self.pid, 0)
            except OSError as error:
                return error.errno == errno.ESRCH
        return False


def reap() -> list[tuple[int, int]]:
    """Every ended child, ours or an orphan that PID 1 inherits: (pid, status as subprocess has it)."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found.append((pid, os.waitstatus_to_exitcode(status)))


def private_memory(pid: int) -> int | None:
    """The memory that ends with the process, in bytes (USS); None where the kernel does not tell."""
    return _sum_of(f"/proc/{pid}/smaps_rollup", ("Private_Clean:", "Private_Dirty:"))


def available_memory() -> int | None:
    """What the machine can still give, in bytes (proc_meminfo(5)); None where the kernel does not tell."""
    return _sum_of("/proc/meminfo", ("MemAvailable:",))


def _sum_of(path: str, names: tuple[str, ...]) -> int | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith(names)) * 1024 or None


def describe(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    names = {number.value: number.name for number in signal.Signals}
    return f"signal {names.get(-status, -status)}"
