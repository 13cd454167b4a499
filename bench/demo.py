"""The shop served, load on it, SIGTERM in the middle: bare Gunicorn, then the same under gunwale serve.

Every figure of the closing table was counted in this run, by clients that send at their time whatever the
answers do: 0.7 of the capacity measured first, 8 keep-alive clients among it, and 60 connections at once
just before the signal.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import importlib.metadata
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gunwale.errors import GunwaleError
from gunwale.measure.load import Ask
from gunwale.measure.sigterm import StopResult, Trial, measure_stop
from gunwale.measure.target import free_port

if TYPE_CHECKING:
    from types import FrameType

SHOP = Path(__file__).resolve().parent.parent / "examples" / "shop"
APP = "shop:create_app()"
LAME_DUCK = 2
MIX = (
    Ask(path="/products/7", weight=7),
    Ask(path="/products?page=2", weight=1),
    Ask(path="/report?seconds=0.4", weight=1),
    Ask(
        method="POST",
        path="/orders",
        body="product_id=11&quantity=1",
        fields={"Content-Type": "application/x-www-form-urlencoded"},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    server: str
    worker_class: str
    command: tuple[str, ...]
    result: StopResult

    def as_json(self) -> dict[str, object]:
        named = {"server": self.server, "worker_class": self.worker_class}
        return named | {"command": shlex.join(self.command)} | self.result.as_json()


class Screen:
    """Stages as they happen: one line that counts the seconds on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.title = self.stage = ""
        self.since = time.monotonic()
        self.ended = threading.Event()
        self.ticker = threading.Thread(target=self.tick, daemon=True)

    def __enter__(self) -> Self:
        if self.is_terminal:
            self.ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self.is_terminal:
            self.ticker.join()
            sys.stdout.write("\r\x1b[K")

    def tell(self, stage: str) -> None:
        self.stage, self.since = stage, time.monotonic()
        if not self.is_terminal:
            print(f"{self.title}: {stage}", flush=True)

    def tick(self) -> None:
        while not self.ended.wait(0.1):
            seconds = time.monotonic() - self.since
            sys.stdout.write(f"\r\x1b[K{self.title}: {self.stage} … {seconds:.1f} s")
            sys.stdout.flush()

    def line(self, text: str) -> None:
        print(f"\r\x1b[K{text}" if self.is_terminal else text, flush=True)


def workers() -> int:
    return min(2 * (os.cpu_count() or 1), 8)


def commands(worker_class: str) -> dict[str, tuple[str, ...]]:
    """The same server twice; the address is added when it is about to start."""
    threads = "4" if worker_class == "gthread" else "1"
    size = ("-k", worker_class, "-w", str(workers()), "--threads", threads)
    root = ("--allow-root",) if os.geteuid() == 0 else ()
    return {
        "gunicorn": ("gunicorn", *size, "--no-control-socket", APP),
        "gunwale": ("gunwale", "serve", *size, "--lame-duck", str(LAME_DUCK), *root, APP),
    }


def measure(worker_class: str, folder: Path, screen: Screen) -> list[Run]:
    runs: list[Run] = []
    for server, words in commands(worker_class).items():
        screen.title = f"{worker_class}, {'bare gunicorn' if server == 'gunicorn' else 'gunwale serve'}"
        bind = f"127.0.0.1:{free_port()}"
        admin = ("--admin-bind", f"127.0.0.1:{free_port()}") if server == "gunwale" else ()
        trial = Trial(
            argv=(sys.executable, "-m", *words[:-1], "-b", bind, *admin, words[-1]),
            target=f"http://{bind}",
            mix=MIX,
            cwd=SHOP,
            env={"FLASK_INSTANCE_PATH": str(folder)},
            log=folder / f"{server}-{worker_class}.log",
            ready_path="/products/7",
            rate=runs[0].result.rate if runs else None,
            concurrency=4 * workers(),
        )
        result = measure_stop(trial, screen.tell)
        runs.append(Run(server=server, worker_class=worker_class, command=words, result=result))
        capacity = f"capacity {result.capacity:.0f}/s, " if result.capacity else ""
        screen.line(f"{screen.title}: {capacity}load {result.rate:.0f}/s; {summary(result)}")
    return runs


def summary(result: StopResult) -> str:
    lost = result.failed_before + result.lost + result.broken + result.broken_reused
    code = "had to be killed" if result.exit_code is None else f"exit {result.exit_code}"
    return f"{result.sent} sent, {lost} lost, {code} after {result.stop_seconds:.1f} s"


def table(runs: list[Run]) -> str:
    rows: list[tuple[str, list[str]]] = [
        ("", [run.worker_class for run in runs]),
        ("", [run.server for run in runs]),
        ("requests sent", [f"{run.result.sent}" for run in runs]),
        ("in flight at SIGTERM", [f"{run.result.in_flight}" for run in runs]),
        ("  of them lost", [f"{run.result.lost}" for run in runs]),
        ("accepted, then broken", [f"{run.result.broken}" for run in runs]),
        (
            "keep-alive clients broken",
            [f"{run.result.keepalive_broken} of {run.result.keepalive_clients}" for run in runs],
        ),
        ("failed before SIGTERM", [f"{run.result.failed_before}" for run in runs]),
        ("refused, never accepted", [f"{run.result.refused}" for run in runs]),
        ("slowest answer, ms", [f"{run.result.slowest_ms:.0f}" for run in runs]),
        ("SIGTERM to exit, s", [f"{run.result.stop_seconds:.1f}" for run in runs]),
        ("exit code", ["killed" if r.result.exit_code is None else f"{r.result.exit_code}" for r in runs]),
        ("load's own lag p99, ms", [f"{run.result.lag_p99_ms:.1f}" for run in runs]),
    ]
    if not any(run.result.failed_before for run in runs):
        rows = [row for row in rows if row[0] != "failed before SIGTERM"]
    return "\n".join(f"{name:<26}" + "".join(f"{cell:>11}" for cell in cells) for name, cells in rows)


def seed(folder: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "shop:create_app", "seed"]
    environment = os.environ | {"FLASK_INSTANCE_PATH": str(folder)}
    done = subprocess.run(
        command, cwd=SHOP, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise SystemExit(f"the shop cannot be filled:\n{done.stdout}{done.stderr}")


def surroundings() -> dict[str, Any]:
    names = ("gunicorn", "flask", "gunwale")
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def verdict(runs: list[Run]) -> int:
    ours = [run for run in runs if run.server == "gunwale"]
    failed = [run for run in ours if run.result.lost_anything or run.result.exit_code != 0]
    for run in failed:
        print(f"\n{run.worker_class} under gunwale:\n{run.result.losses() or summary(run.result)}")
    refusals = {
        status for run in runs for status in run.result.statuses if status.startswith("4") and status != "429"
    }
    if refusals:
        print(f"\nthe shop answered {', '.join(sorted(refusals))}: it was not asked what it was meant to be")
    return 1 if failed or refusals else 0


def interrupted(number: int, _: FrameType | None) -> None:
    # Once: a second Ctrl-C must not cut the clearing up short.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-k",
        "--worker-class",
        action="append",
        choices=["sync", "gthread", "gevent"],
        help="again for several",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same figures, for machines")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    around = surroundings()
    with tempfile.TemporaryDirectory(prefix="gunwale-demo-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        screen = stack.enter_context(Screen())
        screen.title = "shop"
        screen.tell("filling it")
        seed(folder)
        try:
            runs = [
                run
                for worker_class in options.worker_class or ["sync", "gthread"]
                for run in measure(worker_class, folder, screen)
            ]
        except GunwaleError as error:
            screen.line(str(error))
            return error.exit_code
    versions = ", ".join(f"{name} {version}" for name, version in around["versions"].items())
    print(f"\n{around['date']}, {around['cores']} cores, Python {around['python']}, {versions}\n")
    print(table(runs))
    if options.json:
        data = around | {"runs": [run.as_json() for run in runs]}
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return verdict(runs)


if __name__ == "__main__":
    sys.exit(main())
