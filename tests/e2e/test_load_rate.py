"""A thousand requests a second from one core, with the proof that the generator was not the bottleneck."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, LoadProcess, Profile
from live import wait_until
from tiny_server import OK

if TYPE_CHECKING:
    from collections.abc import Iterator

# It measures time, so it is to be alone on the machine: not in tests/unit, which runs side by side.
pytestmark = pytest.mark.slow


class Tiny(asyncio.Protocol):
    """A server fast enough to leave the generator no excuse."""

    served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        Tiny.served += 1
        self.transport.write(OK)
        self.transport.close()


@pytest.fixture
def tiny() -> Iterator[str]:
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Tiny, "127.0.0.1", 0, backlog=2048))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_thousand_a_second_is_held_and_the_own_lag_is_told(tiny: str) -> None:
    served = Tiny.served
    with LoadProcess(Profile(target=tiny, rate=1000, mix=(Ask(),))) as load:
        wait_until(lambda: Tiny.served - served >= 3000, 30, "three thousand requests")
        result = load.stop()

    seconds = max(r.intended for r in result.records) - result.started
    print(f"lag p50 {result.lag_p50 * 1e3:.2f} ms, p99 {result.lag_p99 * 1e3:.2f} ms, cpu {result.cpu:.0%}")
    assert result.counts() == {"ok": Tiny.served - served}
    assert len(result.records) == pytest.approx(1000 * seconds, abs=2)
    assert result.lag_p99 > 0
    assert result.bottleneck() == ()
