"""Requests a second on the shop's product page: under gunwale with everything on, and by bare Gunicorn.

    python bench/throughput.py [-k CLASS]… [--slices N]

Three servers of the same class, workers and threads run at once, their logs in files, and one at a time is
asked: a slice of requests each, in turn, so that what else the machine does falls on all alike. A round is
so many slices of each; a ratio is that of one round. Eight clients ask again as soon as they have their
answer, each time on a new connection. Printed are the medians of nine rounds and the intervals.
"""

from __future__ import annotations

import argparse
import contextlib
import selectors
import socket
import sys
from dataclasses import dataclass
from statistics import median
from time import monotonic, process_time
from typing import TYPE_CHECKING

from gunwale.measure.process import OwnedProcess
from gunwale.measure.sigterm import wait_for_answer
from gunwale.measure.target import Address, Target

if TYPE_CHECKING:
    from pathlib import Path

    from bench.bed import RUNS, SHOP, a_shop, bare, say_where, served, spread, verdict
else:
    from bed import RUNS, SHOP, a_shop, bare, say_where, served, spread, verdict

LEAST_RATIO = 0.97
PRODUCT = "/products/7"
WORKERS = 2
CLIENTS = 8
SLICE = 60  # requests
WARM_UP = 400  # requests: what is imported and filled late, in every worker and thread
PATIENCE = 30.0  # seconds for any answer
OURS, SILENT, LOGGING = "gunwale, everything on", "bare, access log off", "bare, access log on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """*rate* in requests a second, *cost* in microseconds of the server's CPU a request."""

    rate: float
    cost: float
    client_cpu: float


class Server:
    """One running server and what it was seen to do in this round."""

    def __init__(self, process: OwnedProcess, target: str) -> None:
        self.process = process
        where = Target.parse(target)
        self.address: Address = where.address
        self.request = f"GET {PRODUCT} HTTP/1.1\r\nHost: {where.host}\r\nConnection: close\r\n\r\n".encode()
        self.begin()

    def begin(self) -> None:
        self.requests, self.seconds, self.client = 0, 0.0, 0.0
        self.used = self.process.cpu_seconds()

    def ask(self, count: int) -> None:
        """Have *count* requests answered, CLIENTS at a time."""
        begun, client = monotonic(), process_time()
        with selectors.DefaultSelector() as waiting:
            left = count
            for _ in range(min(CLIENTS, count)):
                self.connect(waiting)
                left -= 1
            while waiting.get_map():
                ready = waiting.select(PATIENCE)
                if not ready:
                    raise SystemExit(f"no answer in {PATIENCE:g} s")
                for key, _ in ready:
                    if self.advance(key.fileobj, key.data):  # type: ignore[arg-type]  # sockets they are
                        waiting.unregister(key.fileobj)
                        if left:
                            self.connect(waiting)
                            left -= 1
        self.seconds += monotonic() - begun
        self.client += process_time() - client
        self.requests += count

    def connect(self, waiting: selectors.BaseSelector) -> None:
        sock = socket.create_connection(self.address)  # type: ignore[arg-type]  # of IPv4
        sock.sendall(self.request)
        waiting.register(sock, selectors.EVENT_READ, bytearray())

    def advance(self, sock: socket.socket, received: bytearray) -> bool:
        """Read what is there; whether that was the end."""
        chunk = sock.recv(65536)
        received += chunk
        if chunk:
            return False
        sock.close()
        if b" 200 " not in received[:16] or not received.rstrip().endswith(b"</html>"):
            raise SystemExit(f"no product page: {bytes(received[:200])!r}")
        return True

    def end(self) -> Sample:
        used = self.process.cpu_seconds() - self.used
        return Sample(
            rate=self.requests / self.seconds,
            cost=used / self.requests * 1e6,
            client_cpu=self.client / self.seconds,
        )


def measure(worker_class: str, folder: Path, slices: int) -> dict[str, list[Sample]]:
    size = ["-k", worker_class, "-w", str(WORKERS), "--threads", "4" if worker_class == "gthread" else "1"]
    commands = {OURS: served(*size), SILENT: bare(*size), LOGGING: bare(*size, "--access-logfile", "-")}
    taken: dict[str, list[Sample]] = {name: [] for name in commands}
    with contextlib.ExitStack() as stack:
        servers = {}
        for number, (name, (argv, target)) in enumerate(commands.items()):
            log = folder / f"{worker_class}-{number}.log"
            environment = {"FLASK_INSTANCE_PATH": str(folder)}
            process = stack.enter_context(OwnedProcess(argv, log=log, cwd=SHOP, env=environment))
            wait_for_answer(process, target, PRODUCT)
            servers[name] = Server(process, target)
            servers[name].ask(WARM_UP)
        for _ in range(RUNS):
            for server in servers.values():
                server.begin()
            order = list(servers.values())
            for _ in range(slices):
                for server in order:
                    server.ask(SLICE)
                order = order[1:] + order[:1]
            for name, server in servers.items():
                taken[name].append(server.end())
    return taken


def report(worker_class: str, taken: dict[str, list[Sample]]) -> list[str]:
    """Print the figures of one worker class; return the budgets missed."""
    print(f"\n{worker_class}, {WORKERS} workers, {CLIENTS} clients, GET {PRODUCT}")
    print(f"{f'median of {RUNS} (interval)':26}{'requests a second':>26}{'CPU, µs a request':>26}")
    for name, samples in taken.items():
        rates, costs = spread([s.rate for s in samples], ".0f"), spread([s.cost for s in samples], ".0f")
        print(f"{name:26}{rates:>26}{costs:>26}")
    missed = []
    for other, least in ((SILENT, LEAST_RATIO), (LOGGING, 1.0)):
        pairs = list(zip(taken[OURS], taken[other], strict=True))
        ratios = [ours.rate / theirs.rate for ours, theirs in pairs]
        costs = spread([theirs.cost / ours.cost for ours, theirs in pairs])
        print(f"ratio to {other:17}{spread(ratios):>26}{costs:>26}")
        if median(ratios) < least:
            missed.append(f"{worker_class}: {median(ratios):.3f} of {other}, at least {least} wanted")
    busiest = max(s.client_cpu for samples in taken.values() for s in samples)
    print(f"the clients took {busiest:.0%} of one core at most", flush=True)
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-k", "--worker-class", action="append", help="again for several: sync, gthread, …")
    parser.add_argument("--slices", type=int, default=8, help=f"of {SLICE} requests, a round")
    options = parser.parse_args()
    say_where()
    missed = []
    with a_shop() as folder:
        for worker_class in options.worker_class or ["sync", "gthread"]:
            missed += report(worker_class, measure(worker_class, folder, options.slices))
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
