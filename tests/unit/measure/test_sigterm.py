"""What a stop is said to have lost is what a server of known manners lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy.ports import free_port
from gunwale.errors import StartError
from gunwale.measure.load import Ask, Outcome
from gunwale.measure.sigterm import StopResult, Trial, measure_stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Answers 0.3 s after the request; *manners* is what it does on SIGTERM.
PROGRAM = """
import asyncio, os, signal, sys

open_now = set()
closing = False

class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        open_now.add(transport)
    def connection_lost(self, error):
        open_now.discard(self.transport)
    def data_received(self, data):
        loop.call_later(0.0 if data.startswith(b"GET /ready") else 0.3, self.answer, b"keep-alive" in data)
    def answer(self, keep):
        field = b"" if keep and not closing else b"Connection: close\\r\\n"
        self.transport.write(b"HTTP/1.1 200 OK\\r\\n" + field + b"Content-Length: 2\\r\\n\\r\\nok")
        if field:
            self.transport.close()

async def rude():
    os._exit(5)

async def polite():
    # The loop has just emptied the accept queue; at this rate nothing comes between that and the close.
    global closing
    closing = True
    await asyncio.sleep(0.05)
    listener.close()
    while open_now:
        await asyncio.sleep(0.01)
    os._exit(0)

async def hoarding():
    await asyncio.sleep(0.2)
    for transport in open_now:
        transport.abort()

async def deaf():
    pass

async def main():
    global listener, loop
    loop = asyncio.get_running_loop()
    manners = globals()[sys.argv[2]]
    loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(manners()))
    listener = await loop.create_server(Server, "127.0.0.1", int(sys.argv[1]), backlog=512)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def stop(tmp_path: Path) -> Callable[..., StopResult]:
    def measure(manners: str, **trial: float) -> StopResult:
        port = free_port()
        settings = {"rate": 5.0, "burst": 20, "keepalive_clients": 2, "load_before": 0.5}
        return measure_stop(
            Trial(
                argv=(sys.executable, "-c", PROGRAM, str(port), manners),
                target=f"http://127.0.0.1:{port}",
                mix=(Ask(),),
                log=tmp_path / "log",
                ready_path="/ready",
                warm_up=0.1,
                **settings | trial,  # type: ignore[arg-type]
            )
        )

    return measure


def test_server_that_exits_at_once_loses_all_that_was_in_flight(stop: Callable[..., StopResult]) -> None:
    result = stop("rude")

    assert result.exit_code == 5
    assert result.in_flight >= 20
    assert result.lost == result.in_flight
    assert result.lost_anything
    assert result.refused >= 1
    assert len(result.losses().splitlines()) == len([r for r in result.load.failed() if r.is_broken])


def test_server_that_finishes_what_it_accepted_lost_nothing(stop: Callable[..., StopResult]) -> None:
    result = stop("polite")

    assert result.exit_code == 0
    assert result.in_flight >= 20
    assert result.losses() == ""
    assert not result.lost_anything
    assert result.keepalive_broken == 0


def test_server_that_breaks_connections_later_is_found_out_and_killed(
    stop: Callable[..., StopResult],
) -> None:
    result = stop("hoarding", exit_timeout=0.5, rate=40.0)

    assert result.exit_code is None
    assert result.lost >= 20
    assert result.broken >= 1
    failed = [r for r in result.load.failed() if r.is_broken]
    assert result.failed_before + result.lost + result.broken + result.broken_reused == len(failed)


def test_killing_a_server_that_does_not_stop_is_its_loss(stop: Callable[..., StopResult]) -> None:
    result = stop("deaf", exit_timeout=1.0, rate=40.0)

    assert result.exit_code is None
    assert result.lost == 0
    assert {r.outcome for r in result.load.failed() if r.is_broken} <= {Outcome.RESET, Outcome.EOF}
    assert result.broken >= 1


def test_rate_is_a_share_of_the_capacity_measured_first(stop: Callable[..., StopResult]) -> None:
    result = stop("polite", rate=None, concurrency=10)

    # Ten clients, 0.3 s an answer.
    assert result.capacity == pytest.approx(33, rel=0.3)
    assert result.rate == pytest.approx(0.7 * (result.capacity or 0))


def test_server_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    program = "print('no module named shop'); raise SystemExit(3)"
    with pytest.raises(StartError, match="ended with 3") as caught:
        measure_stop(
            Trial(
                argv=(sys.executable, "-c", program),
                target=f"http://127.0.0.1:{free_port()}",
                mix=(Ask(),),
                log=tmp_path / "log",
            )
        )

    assert "no module named shop" in str(caught.value)
