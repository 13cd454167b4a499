"""Is the simulated clock to be believed? Real roll-outs of 2, 4 and 8 tasks beside what it foretells.

It learns how long a task boots, changes hands and stops from roll-outs of two tasks, and then says how long
others take: one task after the other, in the host's order, behind HAProxy, under a small load.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from gunwale.measure.rehearse import clocks, simulate
from gunwale.plan.load import load
from gunwale.serve.servers import traits

ROOT = Path(__file__).resolve().parents[1]
APP = "bare:application"
SETS = ("serve.workers=1", "rollout.surge=1")
TASKS = (2, 4, 8)
RATE = "5"
WITHIN = 0.10


class Learned(NamedTuple):
    boot: float
    spread: float
    settling: float
    stop: float


def rehearsed(tasks: int, rolls: int = 1) -> dict[str, Any]:
    words = ["rehearse", APP, "--front", "haproxy", "--tasks", str(tasks), "--rolls", str(rolls)]
    words += ["--rate", RATE, "--format", "json", *(word for each in SETS for word in ("--set", each))]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text((ROOT / "examples" / "bare.py").read_text())
        argv = [sys.executable, "-m", "gunwale", *words]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr}{done.stdout[:2000]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def durations(found: dict[str, Any]) -> list[float]:
    """Of the roll-outs after the first, which is the deployment itself."""
    ends = {"roll-started": -1, "roll-succeeded": 1}
    sums: dict[int, float] = {}
    for event in found["events"]:
        if event["event"] in ends:
            sums[event["roll"]] = sums.get(event["roll"], 0.0) + ends[event["event"]] * event["at"]
    return [sums[number] for number in sorted(sums) if number > 1]


def learned(found: dict[str, Any]) -> Learned:
    at: dict[str, dict[str, float]] = {}
    for event in found["events"]:
        if event["task"] and event["roll"] > 1:
            at.setdefault(event["event"], {})[event["task"]] = event["at"]
    boots = [ready - at["task-started"][task] for task, ready in at["task-ready"].items()]
    stops = [stopped - at["signalled"][task] for task, stopped in at["task-stopped"].items()]
    # From ready to the signal of the task it replaces: the change of targets, and what was in flight.
    settlings = [
        min(signalled - ready for signalled in at["signalled"].values() if signalled > ready)
        for ready in at["task-ready"].values()
    ]
    return Learned(
        statistics.fmean(boots), statistics.stdev(boots), statistics.fmean(settlings), statistics.fmean(stops)
    )


def foretold(tasks: int, known: Learned) -> float:
    sets = (*SETS, f"rollout.tasks={tasks}", f"app={APP}")
    plan = load(ROOT / "examples", environ={}, sets=sets, servers=traits(), in_container="")
    request = simulate.Request(
        plan=plan,
        platform="host",
        clocks=clocks.of("host", plan),
        boot=known.boot,
        spread=known.spread,
        settling=known.settling,
        stop=known.stop,
        rolls=50,
    )
    return statistics.fmean(simulate.simulate(request).seconds)


def main() -> int:
    known = learned(rehearsed(2, rolls=3))
    print(
        f"learned from two tasks: boot {known.boot:.2f} ± {known.spread:.2f} s, "
        f"change {known.settling:.2f} s, stop {known.stop:.2f} s ({os.cpu_count()} CPUs)"
    )
    print("tasks  foretold s  real s (median of 3)  difference")
    worst = 0.0
    for tasks in TASKS:
        real, told = statistics.median(durations(rehearsed(tasks, rolls=3))), foretold(tasks, known)
        worst = max(worst, abs(told / real - 1))
        print(f"{tasks:5}  {told:10.2f}  {real:20.2f}  {told / real - 1:+10.1%}", flush=True)
    return int(worst > WITHIN)


if __name__ == "__main__":
    sys.exit(main())
