"""One owner for every process that is started to be measured or tested.

Output goes to a file, never into a pipe nobody reads; every wait has a deadline and looks whether the
process still lives; every failure shows the end of the log; nothing is left behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gunwale.deploy import detached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

Seconds = float

_TICK = 0.02  # seconds between looks
_TAIL = 40  # lines of log shown with a failure
_KILL_TIMEOUT = 10.0
_MARK = "OWNED_PROCESS_MARK"  # not GUNWALE_…: those are settings


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let handlers of SIGINT, SIGTERM and SIGHUP run at the end of the block, not inside it.

    A handler that raises inside Popen() leaves a child that nobody knows.
    """
    held: list[int] = []
    handlers = {}
    # Python runs handlers in the main thread alone, and may change them only there.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # SIG_IGN and SIG_DFL stay: the child inherits the one, and nobody survives the other.
            if callable(handler := signal.getsignal(number)) and not isinstance(handler, signal.Handlers):
                handlers[number] = signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for received in held:
            signal.raise_signal(received)


class ProcessError(RuntimeError):
    """A process did not do what was waited for; the message ends with its log's tail."""


class OwnedProcess:
    """A command run in a session of its own until the ``with`` block ends.

    *log* receives stdout and stderr. *env* is added to this process's environment (None removes a name).
    Descendants are found by parent, by session and by a mark in their environment, so those that made a
    session of their own, or outlived their parent, are ended too.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        user: str | int | None = None,
    ) -> None:
        self.argv = [str(argument) for argument in argv]
        self.log = log
        self._mark = secrets.token_hex(8)
        merged: dict[str, str | None] = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        merged[_MARK] = self._mark
        self._env = {name: value for name, value in merged.items() if value is not None}
        self._cwd = cwd
        self._user = user
        self._sessions: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> Self:
        """Start the command."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as log, signals_held():
                self._process = subprocess.Popen(
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._cwd,
                    env=self._env,
                    user=self._user,
                    start_new_session=True,
                )
            self._sessions = {self._process.pid}
        except BaseException:
            # Ctrl-C came meanwhile: no with block will end what was just started.
            self.kill()
            raise
        return self

    @property
    def pid(self) -> int:
        """The process id of the command itself."""
        return self._popen.pid

    @property
    def _popen(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("not started: use it as a context manager, or call start()")
        return self._process

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the command runs."""
        return self._popen.poll()

    def log_text(self) -> str:
        """Return all that was written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def children(self) -> tuple[int, ...]:
        """Return the direct children of the command that are alive."""
        return tuple(pid for pid, (parent, _) in _alive().items() if parent == self.pid)

    def pids(self) -> tuple[int, ...]:
        """Return the command and every descendant alive, whichever sessions they are in."""
        alive = _alive()
        own = set() if self._process is None else {self._process.pid}
        found = own if self._process is not None and self._process.poll() is None else set()
        size = -1
        while size != len(found):
            size = len(found)
            for pid, (parent, session) in alive.items():
                if pid not in found and (parent in found or session in self._sessions or self._marked(pid)):
                    found.add(pid)
                    # Not our own session: a descendant is in it only until its setsid().
                    self._sessions |= {session} - {os.getsid(0), 0}
        return tuple(sorted(found))

    def cpu_seconds(self) -> Seconds:
        """Return the processor time used so far by the command and its descendants alive."""
        ticks = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
                ticks += sum(int(word) for word in stat.rpartition(")")[2].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def wait_until(self, is_true: Callable[[], object], timeout: Seconds, what: str) -> None:
        """Wait until *is_true*; raise ProcessError when *timeout* passes or the command ends first."""
        deadline = time.monotonic() + timeout
        while not is_true():
            if self.poll() is not None:
                # What it was waited for may have been its last act.
                if is_true():
                    return
                raise self._error(f"ended with {self.poll()} before {what}")
            if time.monotonic() > deadline:
                raise self._error(f"not within {timeout:g} s: {what}")
            time.sleep(_TICK)

    def wait_for_log(self, pattern: str, timeout: Seconds = 20.0) -> re.Match[str]:
        """Wait until the log matches *pattern* (searched, lines by ``(?m)``); return the match."""
        match = None

        def is_there() -> bool:
            nonlocal match
            match = re.search(pattern, self.log_text(), re.MULTILINE)
            return match is not None

        self.wait_until(is_there, timeout, f"log matches {pattern!r}")
        assert match is not None
        return match

    def send(self, number: signal.Signals) -> Seconds:
        """Signal the command alone; return the monotonic time just before."""
        moment = time.monotonic()
        self._popen.send_signal(number)
        return moment

    def terminate(self) -> Seconds:
        """Send SIGTERM to the command alone; return the monotonic time just before."""
        return self.send(signal.SIGTERM)

    def wait_exit(self, timeout: Seconds) -> int:
        """Wait for the command's end; return its exit code, negative for a signal."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self._error(f"still running after {timeout:g} s") from None

    def kill(self) -> None:
        """End the command and every descendant now, and wait until they are gone."""
        deadline = time.monotonic() + _KILL_TIMEOUT
        while True:
            left = self.pids()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not left and (self._process is None or self._process.poll() is not None):
                return
            if time.monotonic() > deadline:
                raise self._error(f"cannot be ended: {left}")
            time.sleep(_TICK)

    def _marked(self, pid: int) -> bool:
        return f"{_MARK}={self._mark}".encode() in detached.environ(pid).split(b"\0")

    def _error(self, message: str) -> ProcessError:
        tail = "\n".join(self.log_text().splitlines()[-_TAIL:])
        return ProcessError(f"{' '.join(self.argv)}: {message}\n--- {self.log}\n{tail}\n---")


def _alive() -> dict[int, tuple[int, int]]:
    """Return pid -> (parent, session) of all processes that are not zombies (proc_pid_stat(5))."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue
        # The command in parentheses may itself hold spaces and parentheses.
        state, parent, _, session = stat.rpartition(")")[2].split()[:4]
        if state not in {"Z", "X"}:
            found[int(entry.name)] = (int(parent), int(session))
    return found
