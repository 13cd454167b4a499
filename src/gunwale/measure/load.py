"""The open-loop load generator: in a thread, or better in a process of its own.

``LoadProcess`` is the preferred way: it shares neither the interpreter lock nor the garbage collector with
whoever measures. ``python -m gunwale.measure.load`` is the same from a shell (load_main).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from gunwale.measure.load_clients import Burst, Progress
from gunwale.measure.load_engine import Engine
from gunwale.measure.load_profile import Ask, Profile
from gunwale.measure.load_report import Kind, Outcome, Record, Result, Seconds
from gunwale.measure.load_tally import Spool
from gunwale.measure.process import signals_held

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Ask", "Kind", "Load", "LoadProcess", "Outcome", "Profile", "Progress", "Record", "Result"]

_BURST_WAIT = 2.0  # seconds a burst may take to leave; a server that accepts none holds it longer
_START_WAIT = 20.0
_STOP_WAIT = 30.0
_PIECE = 1 << 20  # bytes of an answer taken at once; a result has megabytes


class Load:
    """A load in a background thread of this process.

    ``burst`` returns the monotonic time when its requests had left; ``stop`` lets outstanding requests end
    for *grace* seconds, calls the rest unfinished, and returns the result.
    """

    def __init__(self, profile: Profile) -> None:
        self._engine = Engine(profile)
        self._result: Result | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gunwale-load", daemon=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(grace=0)

    def start(self) -> Self:
        """Begin to send."""
        self._thread.start()
        self._engine.has_started.wait()
        return self

    def burst(self, count: int) -> Seconds:
        """Open *count* connections at once, each with a request of the mix; wait until they have left."""
        burst = Burst(count=count)
        self._engine.order(burst)
        burst.is_sent.wait(_BURST_WAIT)
        return time.monotonic()

    def look(self) -> Progress:
        """Return how far it has come."""
        return self._engine.progress()

    def stop(self, grace: Seconds = 5.0) -> Result:
        """Send no more, wait for what is outstanding, return the result; a second call returns it again."""
        if self._result is None and self._thread.is_alive():
            self._engine.order(grace)
            self._thread.join(grace + _STOP_WAIT)
        if self._failure is not None:
            raise self._failure
        if self._result is None:
            raise RuntimeError(
                "the load did not stop in time" if self._thread.is_alive() else "never started"
            )
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._engine.run()
        except BaseException as error:  # noqa: BLE001 - handed to whoever calls stop()
            self._failure = error
            self._engine.has_started.set()


class LoadProcess:
    """The same in a process of its own, driven over its stdin and stdout."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = bytearray()  # what it said after the last line that was read
        self._result: Result | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()

    def start(self) -> Self:
        """Start the process; return when it sends."""
        try:
            self._launch()
        except BaseException:
            self._kill()
            raise
        return self

    def burst(self, count: int) -> Seconds:
        """Open *count* connections at once; return the monotonic time when they had left."""
        at: Seconds = self._ask({"do": "burst", "n": count}, _BURST_WAIT + _STOP_WAIT)["at"]
        return at

    def look(self) -> Progress:
        """Return how far it has come."""
        answer = self._ask({"do": "look"}, _STOP_WAIT)
        return Progress(**answer["progress"])

    def stop(self, grace: Seconds = 5.0) -> Result:
        """Send no more, wait for what is outstanding, return the result; a second call returns it again."""
        if self._result is None:
            answer = self._ask({"do": "stop", "grace": grace}, grace + _STOP_WAIT)
            result = Result.from_json(json.dumps(answer["result"]))
            if self._profile.spool:
                result = replace(result, records=Spool(self._profile.spool, answer["count"]))
            self._result = result
            assert self._process is not None
            self._process.communicate(timeout=_STOP_WAIT)
        return self._result

    def _launch(self) -> None:
        with signals_held():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunwale.measure.load_main", "--control"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for whoever measures; it then ends us
            )
        with contextlib.suppress(BrokenPipeError):  # _read() says so
            self._tell(self._profile.to_json())
        self._read(_START_WAIT)

    def _tell(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _ask(self, order: dict[str, Any], timeout: Seconds) -> dict[str, Any]:
        self._tell(json.dumps(order))
        return self._read(timeout)

    def _read(self, timeout: Seconds) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        # No watchdog in a thread: one that an interruption leaves behind would hold up our own end.
        until, searched = time.monotonic() + timeout, 0
        stdout = self._process.stdout.fileno()
        poller = select.poll()
        poller.register(stdout, select.POLLIN)
        while (end := self._heard.find(b"\n", searched)) < 0:
            searched = len(self._heard)
            is_late = not poller.poll(max(0.0, until - time.monotonic()) * 1000)
            piece = b"" if is_late else os.read(stdout, _PIECE)
            if not piece:
                self._process.kill()
                raise RuntimeError(f"the load process ended or said nothing in {timeout:g} s")
            self._heard += piece
        line, self._heard = self._heard[:end], self._heard[end + 1 :]
        answer: dict[str, Any] = json.loads(line)
        return answer


if __name__ == "__main__":
    from gunwale.measure.load_main import main

    sys.exit(main())
