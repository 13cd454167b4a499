"""What a server loses when it is told to stop under load: measured once, for demo, tests and docs."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunwale.errors import Problem, StartError
from gunwale.measure.load import LoadProcess, Outcome, Profile
from gunwale.measure.process import OwnedProcess, ProcessError
from gunwale.measure.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gunwale.measure.load import Ask, Result

Seconds = float

SHARE_OF_CAPACITY = 0.7
_CAPACITY_SECONDS = 2.0
_QUIET_FOR = 0.4  # seconds
_QUIET_SHARE = 0.1  # of one core
_QUIET_TIMEOUT = 15.0  # an application may have threads of its own that never rest
_READY_TIMEOUT = 60.0
_CONNECT_TIMEOUT = 90.0  # longer than any drain here: attempts may wait, and are then refused or served


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One server to be stopped under load.

    *rate* None means 0.7 of the capacity, measured first; the keep-alive clients are part of it, the burst
    comes on top. *warm_up* seconds before that *concurrency* clients, which ask again at once, see to it that
    every worker has imported what it imports late. *log* receives the server's output.
    """

    argv: tuple[str, ...]
    target: str
    mix: tuple[Ask, ...]
    log: Path
    cwd: Path | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    user: str | int | None = None
    ready_path: str = "/"
    rate: float | None = None
    concurrency: int = 16
    warm_up: Seconds = 1.5
    burst: int = 60
    keepalive_clients: int = 8
    keepalive_spacing: Seconds = 0.5
    load_before: Seconds = 2.0
    load_after: Seconds = 0.5
    exit_timeout: Seconds = 45.0
    signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True, slots=True, kw_only=True)
class StopResult:
    """What the clients saw.

    A request that failed on an accepted connection is counted once: it *failed_before* the signal, was
    *lost* of the *in_flight* ones, *broken* (accepted, and the request sent, afterwards) or *broken_reused*
    (sent afterwards, on a connection kept from before). *refused* and *never_accepted* fail nothing.
    *exit_code* is None when the server had to be killed. *load* has every record.
    """

    rate: float
    capacity: float | None
    sent: int
    in_flight: int
    lost: int
    broken: int
    broken_reused: int
    keepalive_clients: int
    keepalive_broken: int
    failed_before: int
    refused: int
    never_accepted: int
    slowest_ms: float
    stop_seconds: Seconds
    exit_code: int | None
    statuses: dict[str, int]
    lag_p99_ms: float
    load_cpu: float
    signalled: Seconds
    load: Result

    @property
    def lost_anything(self) -> bool:
        """Whether any accepted request failed, at any time."""
        return bool(self.failed_before or self.lost or self.broken or self.broken_reused)

    def as_json(self) -> dict[str, object]:
        """Return the figures, without the records."""
        names = (name for name in self.__slots__ if name != "load")
        return {name: getattr(self, name) for name in names}

    def losses(self) -> str:
        """Return a line for every failed request: for a failure message."""
        return "\n".join(
            f"{record.finished - self.signalled:+.3f} s {record.outcome} {record.kind}"
            f"{' reused' if record.reused else ''} {record.method} {record.path} id={record.id}"
            f" connected {_since(record.connected, self.signalled)}"
            f" sent {_since(record.sent, self.signalled)}"
            f" {record.error or record.status or ''}"
            for record in self.load.failed()
            if record.is_broken
        )


def measure_stop(trial: Trial, tell: Callable[[str], None] = lambda _: None) -> StopResult:
    """Start the server, put load on it, signal it in the middle, and count; *tell* hears each stage.

    Raises StartError when the server does not answer; nothing is left running.
    """
    with OwnedProcess(trial.argv, log=trial.log, cwd=trial.cwd, env=trial.env, user=trial.user) as server:
        tell("starting the server")
        wait_for_answer(server, trial.target, trial.ready_path)
        _wait_until_quiet(server)
        rate, capacity = trial.rate, None
        if rate is None:
            tell("warming it up, then measuring its capacity")
            capacity = measure_capacity(trial, _CAPACITY_SECONDS)
            rate = SHARE_OF_CAPACITY * capacity
        elif trial.warm_up:
            tell("warming it up")
            measure_capacity(trial, 0)
        tell(f"load of {rate:.0f} requests a second")
        with LoadProcess(_profile(trial, rate)) as load:
            time.sleep(trial.load_before)
            load.burst(trial.burst)
            signalled = server.send(trial.signal)
            tell(f"{trial.signal.name} {trial.burst} connections later")
            exit_code: int | None = None
            with contextlib.suppress(ProcessError):
                exit_code = server.wait_exit(trial.exit_timeout)
            stopped = time.monotonic()
            tell(f"exit {exit_code} after {stopped - signalled:.1f} s")
            if exit_code is None:
                server.kill()
            time.sleep(trial.load_after)
            result = load.stop()
    return _judge(trial, result, signalled, stopped - signalled, (rate, capacity, exit_code))


def measure_capacity(trial: Trial, seconds: Seconds) -> float:
    """Warm the server up, then return the good answers a second while each client asks again at once."""
    profile = Profile(
        target=trial.target, mix=trial.mix, keepalive_clients=trial.concurrency, keepalive_spacing=0.0
    )
    with LoadProcess(profile) as load:
        time.sleep(trial.warm_up + seconds)
        result = load.stop()
    begin = result.started + trial.warm_up
    good = [r for r in result.records if r.outcome is Outcome.OK and begin < r.finished <= begin + seconds]
    return len(good) / seconds if seconds else 0.0


def wait_for_answer(server: OwnedProcess, target: str, path: str, timeout: Seconds = _READY_TIMEOUT) -> None:
    """Wait until *path* is answered below 500. Raises StartError with the end of the server's log."""
    where = Target.parse(target)

    def is_answering() -> bool:
        with socket.socket(where.family) as sock, contextlib.suppress(OSError):
            sock.settimeout(5)
            sock.connect(where.address)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.host}\r\nConnection: close\r\n\r\n".encode())
            status = sock.recv(12).split(b" ")[1:2]
            return bool(status) and status[0] < b"500"
        return False

    try:
        server.wait_until(is_answering, timeout, f"{target}{path} answers")
    except ProcessError as error:
        raise StartError(Problem(where=server.argv[0], message=str(error))) from error


def _wait_until_quiet(server: OwnedProcess) -> None:
    """Wait until the server computes nothing: one whose first worker answers may still be booting others."""
    deadline = time.monotonic() + _QUIET_TIMEOUT
    used = server.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(_QUIET_FOR)
        before, used = used, server.cpu_seconds()
        if used - before < _QUIET_SHARE * _QUIET_FOR:
            return


def _profile(trial: Trial, rate: float) -> Profile:
    kept = trial.keepalive_clients / trial.keepalive_spacing
    return Profile(
        target=trial.target,
        rate=max(rate - kept, 1.0),
        mix=trial.mix,
        keepalive_clients=trial.keepalive_clients,
        keepalive_spacing=trial.keepalive_spacing,
        connect_timeout=_CONNECT_TIMEOUT,
        response_timeout=trial.exit_timeout,
    )


def _judge(
    trial: Trial,
    load: Result,
    signalled: Seconds,
    stop_seconds: Seconds,
    started: tuple[float, float | None, int | None],
) -> StopResult:
    rate, capacity, exit_code = started
    in_flight = load.in_flight_at(signalled)
    slowest = load.slowest()
    return StopResult(
        rate=rate,
        capacity=capacity,
        sent=len(load.records),
        in_flight=len(in_flight),
        lost=len(load.lost_in_flight_at(signalled)),
        broken=len(load.broken_after(signalled)),
        broken_reused=len(load.broken_reused_after(signalled)),
        keepalive_clients=trial.keepalive_clients,
        keepalive_broken=len(load.broken_clients_after(signalled)),
        failed_before=len(load.failed_before(signalled)),
        refused=load.counts().get(Outcome.REFUSED, 0),
        never_accepted=sum(not r.is_accepted and r.outcome is not Outcome.REFUSED for r in load.records),
        slowest_ms=slowest.latency * 1e3 if slowest else 0.0,
        stop_seconds=stop_seconds,
        exit_code=exit_code,
        statuses=dict(Counter(str(r.status) for r in load.records if r.status is not None)),
        lag_p99_ms=load.lag_p99 * 1e3,
        load_cpu=load.cpu,
        signalled=signalled,
        load=load,
    )


def _since(moment: Seconds | None, start: Seconds) -> str:
    return "never" if moment is None else f"{moment - start:+.3f}"
