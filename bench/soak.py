"""The shop under 60 % of its capacity, with a reload every minute: does anything fail, does anything grow?

    python bench/soak.py [--minutes 30] [--every 60] [-- OPTIONS OF SERVE]

Prints requests, failed ones, reloads, and memory (PSS) and descriptors of the supervisor and of the serving
generation after the first reload and after the last one. Exit 1 when a request or a reload failed, or when
the supervisor's memory or the descriptors have grown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.measure.load import Ask, LoadProcess, Profile
from gunwale.measure.process import OwnedProcess
from gunwale.measure.sigterm import Trial, measure_capacity, wait_for_answer

if TYPE_CHECKING:
    from bench.bed import SHOP, a_shop, pss, say_where, served, verdict
else:
    from bed import SHOP, a_shop, pss, say_where, served, verdict

SHARE = 0.6
SIZE = ("-k", "gthread", "-w", "2", "--threads", "4")
MIX = (Ask(path="/", weight=8), Ask(path="/products/7", weight=2))
CLIENTS = 8
MOST_GROWTH = 0.5  # MiB of the supervisor
SLACK = 8
"""Descriptors of workers: every generation has processes of its own, at their own stage."""
CAPACITY_SECONDS = 5.0
QUIET = 6.0  # seconds in which the generation before ends, and lingering connections with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Memory in MiB and descriptors, of the supervisor and of the processes below it together."""

    supervisor: float
    workers: float
    supervisor_descriptors: int
    worker_descriptors: int

    @classmethod
    def of(cls, server: OwnedProcess) -> Footprint:
        """Look at all processes there are."""
        others = [pid for pid in server.pids() if pid != server.pid]
        return cls(
            supervisor=pss(server.pid),
            workers=sum(pss(pid) for pid in others),
            supervisor_descriptors=descriptors(server.pid),
            worker_descriptors=sum(descriptors(pid) for pid in others),
        )


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has been counted so far."""

    requests: int = 0
    failed: int = 0
    reloads: int = 0
    reloads_failed: int = 0


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names are not needed


def reload(bind: str) -> bool:
    """Ask for a reload and wait for its end; say on stderr what a failed one said."""
    words = [sys.executable, "-m", "gunwale", "reload", "--bind", bind]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=180)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode == 0


def round_of(profile: Profile, bind: str, seconds: float, tally: Tally) -> None:
    """Load for so long with one reload in it, and count."""
    until = time.monotonic() + seconds
    with LoadProcess(profile) as load:
        time.sleep(min(2.0, seconds / 4))
        is_well = reload(bind)
        time.sleep(max(0.0, until - time.monotonic()))
        result = load.stop()
    tally.requests += len(result.records)
    tally.failed += len(result.failed())
    tally.reloads += is_well
    tally.reloads_failed += not is_well
    for record in result.failed()[:5]:
        print(f"failed: {record}", file=sys.stderr)


def soak(server: OwnedProcess, target: str, minutes: float, every: float) -> list[str]:
    """Run the whole of it; what is wrong, if anything."""
    bind, tally, rounds = target.removeprefix("http://"), Tally(), max(2, round(minutes * 60 / every))
    trial = Trial(argv=(), target=target, mix=MIX, log=server.log)
    capacity = measure_capacity(trial, CAPACITY_SECONDS)
    profile = Profile(target=target, rate=SHARE * capacity - 2 * CLIENTS, mix=MIX, keepalive_clients=CLIENTS)
    print(
        f"capacity {capacity:.0f} requests/s; {SHARE:.0%} of it, {rounds} rounds of {every:g} s", flush=True
    )
    footprints = []
    for number in range(1, rounds + 1):
        round_of(profile, bind, every, tally)
        if number in {1, rounds}:
            time.sleep(QUIET)
            footprints.append(Footprint.of(server))
        print(json.dumps({"round": number, **{name: getattr(tally, name) for name in tally.__slots__}}))
        sys.stdout.flush()
    first, last = footprints
    print(f"\n{'':28}{'first':>10}{'last':>10}")
    print(f"{'supervisor, PSS MiB':28}{first.supervisor:10.2f}{last.supervisor:10.2f}")
    print(f"{'server and workers, PSS MiB':28}{first.workers:10.2f}{last.workers:10.2f}")
    print(f"{'supervisor, descriptors':28}{first.supervisor_descriptors:10}{last.supervisor_descriptors:10}")
    print(f"{'workers, descriptors':28}{first.worker_descriptors:10}{last.worker_descriptors:10}")
    print(f"{tally.requests} requests, {tally.failed} failed; {tally.reloads} reloads,", end=" ")
    print(f"{tally.reloads_failed} failed")
    return wrong(tally, first, last)


def wrong(tally: Tally, first: Footprint, last: Footprint) -> list[str]:
    """Name what should not have been."""
    found = []
    if tally.failed or tally.reloads_failed:
        found.append(f"{tally.failed} requests and {tally.reloads_failed} reloads failed")
    if last.supervisor - first.supervisor > MOST_GROWTH:
        found.append(f"the supervisor has grown by {last.supervisor - first.supervisor:.2f} MiB")
    if last.supervisor_descriptors > first.supervisor_descriptors:
        found.append("the supervisor holds more descriptors")
    if last.worker_descriptors > first.worker_descriptors + SLACK:
        found.append("the workers hold more descriptors")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds from one reload to the next")
    parser.add_argument("options", nargs="*", help=f"of gunwale serve; {' '.join(SIZE)}")
    asked = parser.parse_args()
    say_where()
    argv, target = served(*(asked.options or SIZE))
    with a_shop() as folder:
        environ = {"FLASK_INSTANCE_PATH": str(folder)}
        with OwnedProcess(argv, log=Path(folder) / "soak.log", cwd=SHOP, env=environ) as server:
            wait_for_answer(server, target, "/")
            return verdict(soak(server, target, asked.minutes, asked.every))


if __name__ == "__main__":
    sys.exit(main())
