"""Whether a load's own result may be believed, and what is kept of a long one."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, Load, LoadProcess, Outcome, Profile, Result
from gunwale.measure.load_report import MOST_CPU, MOST_LAG, percentile
from gunwale.measure.load_tally import Histogram
from live import Live, wait_until
from tiny_server import OK, Server, answer, burst_of, silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WELL = Result(
    started=0.0,
    stopped=10.0,
    lag_p50=0.001,
    lag_p99=MOST_LAG,
    lag_max=5.0,
    behind=0.01,
    cpu=MOST_CPU,
    idle_closes=0,
    records=(),
)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (replace(WELL, lag_p99=MOST_LAG + 0.1), "350 ms late"),
        (replace(WELL, behind=2.0), "2000 ms behind"),
        (replace(WELL, cpu=0.97), "97% of a core"),
    ],
)
def test_generator_that_was_the_bottleneck_says_why(result: Result, reason: str) -> None:
    assert WELL.bottleneck() == ()
    assert [reason in told for told in result.bottleneck()] == [True]


def test_generator_held_up_by_its_own_process_is_a_bottleneck(serve: Callable[..., Server]) -> None:
    server = serve(answer(OK))
    with Load(Profile(target=server.url, rate=50, mix=(Ask(),))) as load:

        def is_late_after_a_second_of_work() -> bool:
            until = time.monotonic() + 1.0
            while time.monotonic() < until:
                pass
            return load.look().lag_p99 > MOST_LAG

        switching = sys.getswitchinterval()
        sys.setswitchinterval(0.8)  # for so long nobody else gets the interpreter
        try:
            wait_until(is_late_after_a_second_of_work, 20, "a lag")
        finally:
            sys.setswitchinterval(switching)
        result = load.stop()

    assert "late" in result.bottleneck()[0]
    # Late, but all of them, and late from the time that they should have left at.
    assert result.counts() == {"ok": server.accepted}
    assert max(r.latency for r in result.records) > MOST_LAG


def test_shortage_of_descriptors_is_ours_and_not_the_servers(serve: Callable[..., Server]) -> None:
    done = subprocess.run(
        [
            "sh",
            "-c",
            'ulimit -n 40; exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "gunwale.measure.load",
            serve(silent).url,
            *("--rate", "200", "--duration", "0.5", "--grace", "0"),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "client-error" in done.stdout
    assert "not to be believed, the generator was the bottleneck" in done.stdout


def test_spooled_records_are_those_that_memory_would_hold(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(answer(OK))
    # More than one argument of a command line may hold.
    mix = tuple(Ask(path=f"/{number:0100}") for number in range(2000))
    profile = Profile(target=server.url, rate=50, mix=mix, spool=str(tmp_path / "records"))
    with LoadProcess(profile) as load:
        wait_until(lambda: load.look().finished >= 20, 20, "twenty requests")
        result = load.stop()

    assert result.counts() == {"ok": server.accepted}
    assert len(result.records) == server.accepted
    assert [r.path for r in result.records][:2] == [mix[0].path, mix[1].path]
    assert result.records[0] == next(iter(result.records))
    assert result.records[:2] == tuple(result.records)[:2]
    assert result.failed() == ()


def test_progress_counts_what_is_out(serve: Callable[..., Server]) -> None:
    with Load(Profile(target=serve(silent).url, mix=(Ask(),))) as load:
        load.burst(3)
        seen = load.look()
        load.stop(grace=0)
        last = load.look()

    assert (seen.sent, seen.finished, seen.failed) == (3, 0, 0)
    assert (last.sent, last.finished, last.failed) == (3, 3, 3)


LOOKS = """
import signal, sys
from gunwale.measure.load import Ask, LoadProcess, Profile

def end(number, frame):
    signal.signal(number, signal.SIG_IGN)
    sys.exit(130)

signal.signal(signal.SIGINT, end)
with LoadProcess(Profile(target=sys.argv[1], rate=5, mix=(Ask(),))) as load:
    load.look()
    print("looking", flush=True)
    try:
        while True:
            load.look()
    finally:
        load.look()
"""


def test_interruption_while_looking_ends_at_once(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(answer(OK))
    argv = [sys.executable, "-c", LOOKS, server.url]
    # At another moment of a look each time.
    with contextlib.ExitStack() as stack:
        looking = [stack.enter_context(Live(argv, log=tmp_path / f"{number}.log")) for number in range(4)]
        for each in looking:
            each.wait_for_log("looking")
        for each in looking:
            each.send(signal.SIGINT)
        assert [each.wait_exit(10) for each in looking] == [130] * 4
        assert [each.pids() for each in looking] == [()] * 4


def test_status_that_was_not_expected_is_a_failure(serve: Callable[..., Server]) -> None:
    server = serve(answer(OK.replace(b"200 OK", b"302 Found")))
    with Load(Profile(target=server.url, mix=(Ask(expect=("2xx", "404")),))) as load:
        load.burst(1)
        result = load.stop()

    assert [(r.outcome, r.status) for r in result.records] == [(Outcome.STATUS_ERROR, 302)]
    assert burst_of(server.url).counts() == {"ok": 3}


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99, 1.0])
def test_histogram_is_within_two_percent_and_never_too_kind(share: float) -> None:
    chance = random.Random(7)
    values = [chance.lognormvariate(-7, 1.5) for _ in range(5000)]
    histogram = Histogram()
    for value in values:
        histogram.add(value)

    exact = percentile(values, share)
    assert exact <= histogram.percentile(share) <= exact * 1.0201
    assert histogram.most == max(values)


def test_histogram_of_nothing_and_of_no_lag() -> None:
    histogram = Histogram()
    assert histogram.percentile(0.99) == 0.0

    histogram.add(0.0)
    assert histogram.percentile(0.99) == 0.0
