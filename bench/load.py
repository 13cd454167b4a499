"""Whether the load generator holds its rate on one core, and where it would be the bottleneck itself.

    python bench/load.py [--seconds 20] [--rates 1000 2000 3000]

A server that does next to nothing runs on one core, the generator on another. What it sent is compared with
what the server counted. The rates above the first are there to show how far off the limit is.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.measure.load import Ask, LoadProcess, Profile, Result
from gunwale.measure.process import OwnedProcess

if TYPE_CHECKING:
    from bench.bed import say_where, verdict
else:
    from bed import say_where, verdict

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Tiny(asyncio.Protocol):
    """Answers each request and closes; GET /count, with how many it has answered."""

    served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /count "):
            count = str(Tiny.served).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + count)
        else:
            Tiny.served += 1
            self.transport.write(ANSWER)
        self.transport.close()


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Tiny, "127.0.0.1", 0, backlog=4096)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


async def counted(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /count HTTP/1.1\r\nHost: x\r\n\r\n")
    text = await reader.read()
    writer.close()
    return int(text.rpartition(b"\r\n\r\n")[2])


def run(port: int, rate: float, seconds: float, cores: tuple[int, int]) -> tuple[Result, int]:
    profile = Profile(target=f"http://127.0.0.1:{port}", rate=rate, mix=(Ask(),))
    before = asyncio.run(counted(port))
    os.sched_setaffinity(0, {cores[1]})  # the load's process inherits it
    with LoadProcess(profile) as load:
        time.sleep(seconds)
        result = load.stop()
    return result, asyncio.run(counted(port)) - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[1000, 2000, 3000])
    parser.add_argument("--serve", action="store_true", help="be the server")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return 0
    say_where()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})  # and so does the server's
    missed = []
    with (
        tempfile.TemporaryDirectory() as folder,
        OwnedProcess([sys.executable, __file__, "--serve"], log=Path(folder, "server.log")) as server,
    ):
        port = int(server.wait_for_log(r"^port (\d+)$")[1])
        lags = "lag p50, p99, max (ms)"
        print(f"\n{'rate':>6}{'sent':>8}{'served':>8}{'failed':>8}{lags:>26}{'core':>7}  verdict")
        for rate in options.rates:
            result, served = run(port, rate, options.seconds, (cores[0], cores[-1]))
            lags = " ".join(f"{each * 1e3:8.2f}" for each in (result.lag_p50, result.lag_p99, result.lag_max))
            doubts = "; ".join(result.bottleneck())
            sent, failed = len(result.records), len(result.failed())
            print(f"{rate:6.0f}{sent:8}{served:8}{failed:8}{lags:>26}{result.cpu:7.0%}  {doubts or 'held'}")
            if rate == options.rates[0] and (doubts or sent != served or failed):
                missed.append(f"{rate:g} a second were not held")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
