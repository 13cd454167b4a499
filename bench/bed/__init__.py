"""What the measurements of this folder share: the shop, the two ways to serve it, pairs, their printing."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from gunwale.deploy.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS = 9
SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
APP = "shop:create_app()"


@contextlib.contextmanager
def a_shop() -> Iterator[Path]:
    """Give a folder with the shop's data, for FLASK_INSTANCE_PATH and for logs."""
    # So that `timeout` and a cancelled job leave no server behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="gunwale-bench-") as name:
        command = [sys.executable, "-m", "flask", "--app", "shop:create_app", "seed"]
        environment = os.environ | {"FLASK_INSTANCE_PATH": name}
        done = subprocess.run(
            command, cwd=SHOP, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            raise SystemExit(f"the shop cannot be filled:\n{done.stdout}{done.stderr}")
        yield Path(name)


def bare(*options: str) -> tuple[list[str], str]:
    """Return the command of plain Gunicorn on a port of its own, and its target."""
    bind = f"127.0.0.1:{free_port()}"
    words = ["gunicorn", "--no-control-socket", *options, "-b", bind, APP]
    return [sys.executable, "-m", *words], f"http://{bind}"


def served(*options: str) -> tuple[list[str], str]:
    """Return the command of the same under gunwale, and its target."""
    bind, admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    root = ["--allow-root"] if os.geteuid() == 0 else []
    words = ["gunwale", "serve", *options, "-b", bind, "--admin-bind", admin, *root, APP]
    return [sys.executable, "-m", *words], f"http://{bind}"


def pss(pid: int) -> float:
    """Return the proportional share of memory of a process, in MiB."""
    with contextlib.suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        if found := re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE):
            return int(found.group(1)) / 1024
    return 0.0


def spread(values: Sequence[float], form: str = ".3f") -> str:
    """Return "median (smallest to largest)"."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def say_where() -> None:
    """Print what every figure needs beside it: the command, the date, the machine."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("gunicorn", "flask"))
    load = os.getloadavg()[0]
    print(
        f"python bench/{Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}".rstrip()
        + f"; {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load:.1f}, "
        f"Linux {platform.release()}, Python {platform.python_version()}, {versions}",
        flush=True,
    )


def verdict(broken: Sequence[str]) -> int:
    """Say which budgets are missed; the exit code."""
    for line in broken:
        print(f"MISSED: {line}")
    return 1 if broken else 0
