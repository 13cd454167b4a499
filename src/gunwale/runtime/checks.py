"""The readiness checks, run beside the requests by native threads that no check can stop.

One thread a check, kept: a check that hangs holds its own thread only and is not started again until it
comes back. One more thread starts them every interval, waits at most the timeout, and publishes.
Native threads under gevent, too: a blocked event loop is one of the things a check must be able to report.
Patched sockets work in them: gevent gives each native thread that uses one an event loop of its own.
"""

from __future__ import annotations

import _thread
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.runtime.access_log import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from gunwale.runtime.settings import Check

DETAIL_CHARACTERS = 200
_MESSAGE_CHARACTERS = 300

UNKNOWN, OK, FAILED = 0, 1, 2


class CheckFailed(Exception):  # noqa: N818 - an answer, not an error of the program
    """A check's no in words that may be shown to anyone."""


class Result(NamedTuple):
    """What the checks say; *checked_at* by time.monotonic().

    *detail* is ``check (reason); check (reason)``; with status OK it names what is merely reported.
    """

    status: int
    checked_at: float
    detail: str


def failed_names(detail: str) -> list[str]:
    """Return the names of the checks in a result's detail."""
    return [part.rpartition(" (")[0] for part in detail.split("; ") if " (" in part]


def name_of(check: Check) -> str:
    """Return the name a check is reported by."""
    name: str = check if isinstance(check, str) else getattr(check, "__qualname__", type(check).__name__)
    # These separate the parts of a detail, which becomes a response field.
    return name.replace(";", ",").replace(" (", "(").encode("ascii", "replace").decode()


def resolve(check: Check) -> Callable[[], object]:
    """Return the callable that an import string names."""
    if not isinstance(check, str):
        return check
    module, _, path = check.partition(":")
    found: Any = import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    return found  # type: ignore[no-any-return]  # called next: not callable is a failed check, by name


class _Native:
    """The interpreter's own threads and locks, also after gevent's monkey patching."""

    def __init__(self) -> None:
        monkey = sys.modules.get("gevent.monkey")
        original = monkey.get_original if monkey is not None else lambda _, name: getattr(_thread, name)
        self.start = original("_thread", "start_new_thread")
        self.lock = original("_thread", "allocate_lock")


class _Runner:
    """One check and its thread."""

    def __init__(
        self, check: Check, native: _Native, context: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self.name = name_of(check)
        self._check = check
        self._context = context
        self._go = native.lock()
        self._go.acquire()
        self.is_busy = False
        self.is_stopped = False
        self.reason: str | None = None
        self.message = ""

    def serve(self, finished: Callable[[], None]) -> None:
        """Run the check each time go() is called, until stop()."""
        while True:
            self._go.acquire()
            if self.is_stopped:
                return
            self.reason = self._run()
            self.is_busy = False
            finished()

    def stop(self) -> None:
        """End the thread when it is between two runs."""
        self.is_stopped = True
        with suppress(RuntimeError):  # in the middle of a run, or its start: it looks when it comes back
            self._go.release()

    def go(self) -> None:
        """Have the check run once more."""
        self.is_busy = True
        self._go.release()

    def _run(self) -> str | None:
        self.message = ""
        try:
            with self._context():
                answer = resolve(self._check)()
        except CheckFailed as failed:
            return str(failed)
        except BaseException as error:  # noqa: BLE001 - even SystemExit: a check must not end its thread
            # The text of an exception may hold a password: it goes to the log, never into an answer.
            self.message = str(error).partition("\n")[0][:_MESSAGE_CHARACTERS]
            return type(error).__name__
        if answer is None or answer is True:
            return None
        return (
            "returned False" if answer is False else f"returned {type(answer).__name__}, not None or a bool"
        )


class Checks:
    """All checks of this process; *latest* is read by requests, *publish* hands it to other processes."""

    def __init__(
        self,
        checks: Sequence[Check],
        *,
        interval: float,
        timeout: float,
        reports_only: bool,
        publish: Callable[[Result], None] | None = None,
        context: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._interval = interval
        self._timeout = timeout
        self._publish = publish
        self._reports_only = reports_only
        self._was_ready = False
        self._is_stopped = False
        self._told: Mapping[str, str] = {}
        self._native = _Native()
        self._finished = self._native.lock()
        self._stopping = self._native.lock()
        self._stopping.acquire()
        self._runners = [_Runner(check, self._native, context) for check in checks]
        self.latest = Result(UNKNOWN, 0.0, "")

    def start(self, *, was_ready: bool = False) -> None:
        """Start the threads; *was_ready*: this generation has been ready before."""
        self._was_ready = was_ready
        for runner in self._runners:
            self._native.start(runner.serve, (self._note_finished,))
        self._native.start(self._serve, ())

    def stop(self) -> None:
        """End the threads, each when what it is in returns."""
        self._is_stopped = True
        with suppress(RuntimeError):  # stopped before
            self._stopping.release()
        for runner in self._runners:
            runner.stop()

    def _note_finished(self) -> None:
        with suppress(RuntimeError):  # already noted, not yet seen
            self._finished.release()

    def _serve(self) -> None:
        trouble = None
        while not self._is_stopped:
            begun = time.monotonic()
            try:
                self._round(begun)
            except Exception as error:  # noqa: BLE001 - shows by its age: the result becomes stale
                if trouble != str(error):
                    trouble = str(error)
                    say(f"health: {type(error).__name__}: {error}")
            left = max(0.0, begun + self._interval - time.monotonic())
            self._stopping.acquire(True, left)  # noqa: FBT003 - a lock's positional "blocking"

    def _round(self, begun: float) -> None:
        for runner in self._runners:
            if not runner.is_busy:
                runner.go()
        while any(runner.is_busy for runner in self._runners):
            left = begun + self._timeout - time.monotonic()
            if left <= 0:
                break
            self._finished.acquire(True, left)  # noqa: FBT003 - a lock's positional "blocking"
        failed = {
            runner.name: f"timed out after {self._timeout:g} s" if runner.is_busy else runner.reason
            for runner in self._runners
            if runner.is_busy or runner.reason
        }
        self._tell({name: reason for name, reason in failed.items() if reason is not None})

    def _tell(self, failed: Mapping[str, str]) -> None:
        detail = "; ".join(f"{name} ({reason})" for name, reason in failed.items())[:DETAIL_CHARACTERS]
        is_ready = not failed or (self._reports_only and self._was_ready)
        self._was_ready = self._was_ready or is_ready
        self.latest = Result(OK if is_ready else FAILED, time.monotonic(), detail)
        if self._publish is not None:
            self._publish(self.latest)
        messages = {runner.name: runner.message for runner in self._runners}
        for name, reason in failed.items():
            if self._told.get(name) != reason:
                because = f": {_without_passwords(messages[name])}" if messages[name] else ""
                say(f"health: {name} {'degraded' if is_ready else 'failed'}: {reason}{because}")
        for name in self._told.keys() - failed.keys():
            say(f"health: {name} is well again")
        self._told = dict(failed)


def _without_passwords(message: str) -> str:
    """Hide the user information of URLs: drivers like to name what they could not connect to."""
    words = message.split("://")
    return "://".join([words[0], *(word[word.rfind("@", 0, _end(word)) + 1 :] for word in words[1:])])


def _end(word: str) -> int:
    return min((at for mark in "/ ?#" if (at := word.find(mark)) >= 0), default=len(word))
