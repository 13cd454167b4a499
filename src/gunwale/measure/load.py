"""The open-loop load generator: in a thread, or better in a process of its own.

``LoadProcess`` is the preferred way: it shares neither the interpreter lock nor the garbage collector with
whoever measures. ``python -m gunwale.measure.load`` is the same from a shell; with ``--control`` it takes
JSON lines on stdin: the profile, then ``{"do": "burst", "n": 60}``, ``{"do": "look"}`` or ``{"do": "stop",
"grace": 5}``; it answers each with one on stdout, the last of which is the result.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import resource
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

from gunwale.errors import GunwaleError
from gunwale.measure.load_clients import Burst, Progress
from gunwale.measure.load_engine import Engine
from gunwale.measure.load_profile import Ask, Profile
from gunwale.measure.load_report import Kind, Outcome, Record, Result, Seconds
from gunwale.measure.load_tally import Spool
from gunwale.measure.process import signals_held

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Ask", "Kind", "Load", "LoadProcess", "Outcome", "Profile", "Progress", "Record", "Result"]

_BURST_WAIT = 2.0  # seconds a burst may take to leave; a server that accepts none holds it longer
_START_WAIT = 20.0
_STOP_WAIT = 30.0


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
        self._process: subprocess.Popen[str] | None = None
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
                [sys.executable, "-m", "gunwale.measure.load", "--control"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for whoever measures; it then ends us
            )
        with contextlib.suppress(BrokenPipeError):  # _read() says so
            self._tell(self._profile.to_json())
        self._read(_START_WAIT)

    def _tell(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
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
        # readline() has no deadline; a process that says nothing is ended, which ends the line.
        watchdog = threading.Timer(timeout, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise RuntimeError(f"the load process ended or said nothing in {timeout:g} s")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load from a shell; exit 1 when a request failed, or the generator was the bottleneck."""
    options = _parser().parse_args(arguments)
    if options.control:
        profile = Profile.from_json(sys.stdin.readline())
    else:
        profile = Profile(
            target=options.target,
            rate=options.rate,
            mix=tuple(Ask(path=path) for path in options.path or ["/"]),
            keepalive_clients=options.keepalive_clients,
        )
    _prepare_process()
    try:
        load = Load(profile).start()
    except GunwaleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if options.control:
        return _obey(load)
    threading.Event().wait(options.duration)
    result = load.stop(options.grace)
    sys.stdout.write((result.to_json() if options.json else _summary(result)) + "\n")
    return 1 if result.failed() or result.bottleneck() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gunwale.measure.load", description=__doc__)
    parser.add_argument("target", nargs="?", default="", help="http://HOST:PORT or unix:PATH")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second, each on its connection")
    parser.add_argument("--duration", type=float, default=10.0, help="seconds")
    parser.add_argument("--grace", type=float, default=5.0, help="seconds for what is outstanding then")
    parser.add_argument("--path", action="append", help="a path to ask, again for several; / by default")
    parser.add_argument("--keepalive-clients", type=int, default=0, help="clients that keep a connection")
    parser.add_argument("--json", action="store_true", help="every record, as one line of JSON")
    parser.add_argument("--control", action="store_true", help="take the profile and orders on stdin")
    return parser


def _prepare_process() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A pause of the collector would be a lag of ours; nothing here makes cycles that matter in a run.
    gc.disable()


def _obey(load: Load) -> int:
    _say({"event": "started", "at": time.monotonic()})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "burst":
            _say({"event": "burst", "at": load.burst(order["n"])})
        elif order["do"] == "look":
            _say({"event": "progress", "progress": asdict(load.look())})
        elif order["do"] == "stop":
            result = load.stop(order.get("grace", 5.0))
            count = len(result.records)
            if isinstance(result.records, Spool):
                result = replace(result, records=())
            sys.stdout.write(f'{{"event":"stopped","count":{count},"result":{result.to_json()}}}\n')
            sys.stdout.flush()
            return 0
    return 0


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _summary(result: Result) -> str:
    seconds = result.stopped - result.started
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(result.counts().items()))
    return (
        f"{len(result.records)} requests in {seconds:.1f} s: {counts or 'none'}\n"
        f"latency p50 {result.latency(0.5) * 1e3:.1f} ms, p99 {result.latency(0.99) * 1e3:.1f} ms\n"
        f"own lag p99 {result.lag_p99 * 1e3:.2f} ms, {result.cpu:.0%} of one core"
        + "".join(f"\nnot to be believed, the generator was the bottleneck: {r}" for r in result.bottleneck())
    )


if __name__ == "__main__":
    sys.exit(main())
