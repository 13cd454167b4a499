"""Workers that end after max_requests take nothing with them."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, LoadProcess, Profile
from live import raw, read_response
from served import has_several_processes, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

# The long ones last longer than Gunicorn's own graceful_timeout under gunwale.
MIX = (
    Ask(path="/", weight=30),
    Ask(path="/upload", method="POST", size=2000, weight=9),
    Ask(path="/slow?seconds=3"),
)


def recycle(variant: Variant, serve: Callable[..., Served], seconds: float) -> int:
    """Fifty requests a worker, under load for so long; how many workers have ended."""
    # A long request takes a whole sync worker.
    workers = 6 if variant.worker_class == "sync" else 2
    served = serve(*variant.options, "--set", "serve.max_requests=50", workers=workers)
    served.wait_for_workers(workers)
    profile = Profile(target=f"http://127.0.0.1:{served.port}", rate=50, mix=MIX, keepalive_clients=8)
    with LoadProcess(profile) as load:
        time.sleep(seconds)
        result = load.stop(grace=15)

    assert result.failed() == ()
    assert len(result.records) > 40 * seconds
    served.wait_for_workers(workers)
    ended = "Autorestarting worker" if has_several_processes(variant) else r"generation \d+ serves"
    return len(re.findall(ended, served.log_text()))


@pytest.mark.needs_steering("waitress")  # a generation of its own takes its place
def test_recycling_under_load_loses_nothing(variant: Variant, serve: Callable[..., Served]) -> None:
    # One process is replaced as a whole, which takes its boot, and 3 s in which it must live.
    assert recycle(variant, serve, 15) >= (8 if has_several_processes(variant) else 1)


@pytest.mark.needs_steering("waitress")  # a generation of its own takes its place
@pytest.mark.soak
@pytest.mark.timeout(240)
def test_recycling_for_two_minutes_loses_nothing(variant: Variant, serve: Callable[..., Served]) -> None:
    assert recycle(variant, serve, 120) >= (40 if has_several_processes(variant) else 8)


@only(has_several_processes)
def test_a_worker_that_leaves_finishes_a_request_that_holds_its_loop_up(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """A machine under load holds a gevent worker's loop up just so; only past request_timeout is it stuck."""
    served = serve(*variant.options, workers=1)
    worker = int(served.get("/pid").text)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(b"GET /spin?seconds=3 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        time.sleep(1.2)  # two looks of the deadline's watch: now it knows that the loop is held up
        os.kill(worker, signal.SIGTERM)  # as the master does when there is one worker too many

        assert read_response(sock).body == b"here\n"
    assert "died" not in served.log_text()
