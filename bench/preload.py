"""Memory of eight workers after a thousand requests each, with preload and without; and the supervisor's.

    python bench/preload.py [--pairs N]

Prints the proportional set size (PSS) of the server's master and workers, in MiB: what each page costs,
shared by those who map it. Which worker answered is read from the access log.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from gunwale.measure.load import Ask, LoadProcess, Profile
from gunwale.measure.process import OwnedProcess
from gunwale.measure.sigterm import wait_for_answer

if TYPE_CHECKING:
    from pathlib import Path

    from bench.bed import SHOP, a_shop, pss, say_where, served, spread, verdict
else:
    from bed import SHOP, a_shop, pss, say_where, served, spread, verdict

WORKERS = 8
REQUESTS = 1000  # of each worker
MOST_SHARE = 0.60
MOST_SUPERVISOR = 20.0  # MiB
PATIENCE = 240.0
MIX = (Ask(path="/products/7", weight=3), Ask(path="/products?page=2"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """In MiB."""

    supervisor: float
    master: float
    workers: float

    @property
    def total(self) -> float:
        return self.master + self.workers


def counts(server: OwnedProcess) -> Counter[int]:
    """Count the requests of each worker, by its line in the access log."""
    found: Counter[int] = Counter()
    for line in server.log_text().splitlines():
        if line.startswith("{") and line.endswith("}"):
            found[json.loads(line)["pid"]] += 1
    return found


def measure(folder: Path, *, preload: bool) -> Memory:
    options = [
        "-k",
        "sync",
        "-w",
        str(WORKERS),
        "--threads",
        "1",
        "--set",
        f"serve.preload={str(preload).lower()}",
    ]
    argv, target = served(*options)
    log = folder / f"preload-{preload}.log"
    log.unlink(missing_ok=True)
    with OwnedProcess(argv, log=log, cwd=SHOP, env={"FLASK_INSTANCE_PATH": str(folder)}) as server:
        wait_for_answer(server, target, "/")
        clients = Profile(target=target, mix=MIX, keepalive_clients=2 * WORKERS, keepalive_spacing=0.0)

        def all_had_enough() -> bool:
            found = counts(server)
            return len(found) == WORKERS and min(found.values()) >= REQUESTS

        with LoadProcess(clients) as load:
            server.wait_until(all_had_enough, PATIENCE, f"{REQUESTS} requests of each worker")
            load.stop()
        workers = set(counts(server))
        (master,) = set(server.pids()) - workers - {server.pid}
        return Memory(
            supervisor=pss(server.pid), master=pss(master), workers=sum(pss(worker) for worker in workers)
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1, help="more for an interval: pages hardly vary")
    options = parser.parse_args()
    say_where()
    without, with_preload = [], []
    with a_shop() as folder:
        for _ in range(options.pairs):
            without.append(measure(folder, preload=False))
            with_preload.append(measure(folder, preload=True))
    shares = [one.total / other.total for one, other in zip(with_preload, without, strict=True)]
    print(
        f"\n{f'{WORKERS} workers, {REQUESTS} requests each; PSS, MiB':44}median of {options.pairs} (interval)"
    )
    for name, each in (("without preload", without), ("with preload", with_preload)):
        print(f"{f'{name}: master and workers':44}{spread([one.total for one in each], '.1f')}")
        print(f"{'  of them the master':44}{spread([one.master for one in each], '.1f')}")
    supervisors = [one.supervisor for one in without + with_preload]
    print(f"{'share':44}{spread(shares)}")
    print(f"{'the supervisor':44}{spread(supervisors, '.1f')}")
    missed = []
    if median(shares) > MOST_SHARE:
        missed.append(f"with preload {median(shares):.3f} of the memory, at most {MOST_SHARE} wanted")
    if median(supervisors) > MOST_SUPERVISOR:
        missed.append(f"the supervisor takes {median(supervisors):.1f} MiB, at most {MOST_SUPERVISOR:g}")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
