"""Time from exec to the first 200 on /: gunwale serve beside bare Gunicorn, in turn; and gunwale --help.

    python bench/start.py

Prints the medians of nine and their intervals, in seconds of the clock.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from gunwale.measure.process import OwnedProcess
from gunwale.measure.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from bench.bed import RUNS, SHOP, a_shop, bare, say_where, served, spread, verdict
else:
    from bed import RUNS, SHOP, a_shop, bare, say_where, served, spread, verdict

SIZE = ("-k", "gthread", "-w", "2", "--threads", "4")
MOST_LATER = 0.3  # seconds
MOST_HELP = 0.15
PATIENCE = 60.0
TICK = 0.005


def first_answer(command: tuple[list[str], str], folder: Path) -> float:
    """Return the seconds from exec to the end of the first good answer's head."""
    argv, target = command
    where = Target.parse(target)
    request = f"GET / HTTP/1.1\r\nHost: {where.host}\r\nConnection: close\r\n\r\n".encode()
    begun = time.monotonic()
    with OwnedProcess(
        argv, log=folder / "start.log", cwd=SHOP, env={"FLASK_INSTANCE_PATH": str(folder)}
    ) as server:
        while time.monotonic() - begun < PATIENCE and server.poll() is None:
            with contextlib.suppress(OSError), socket.socket(where.family) as sock:
                sock.settimeout(PATIENCE)
                sock.connect(where.address)
                sock.sendall(request)
                if b" 200 " in sock.recv(16):
                    return time.monotonic() - begun
            time.sleep(TICK)
        raise SystemExit(f"{target}/ was not answered:\n{server.log_text()}")


def help_seconds() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "gunwale", "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - begun


def main() -> int:
    say_where()
    ours, theirs, helps = [], [], []
    with a_shop() as folder:
        for _ in range(RUNS):
            theirs.append(first_answer(bare(*SIZE), folder))
            ours.append(first_answer(served(*SIZE), folder))
            helps.append(help_seconds())
    later = [mine - bare_one for mine, bare_one in zip(ours, theirs, strict=True)]
    print(f"\n{f'median of {RUNS} (interval), seconds':40}")
    print(f"{'first answer, bare Gunicorn':40}{spread(theirs):>26}")
    print(f"{'first answer, gunwale serve':40}{spread(ours):>26}")
    print(f"{'later, pair by pair':40}{spread(later):>26}")
    print(f"{'gunwale --help':40}{spread(helps):>26}")
    missed = []
    if median(later) > MOST_LATER:
        missed.append(f"first answer {median(later):.3f} s later, at most {MOST_LATER} wanted")
    if median(helps) > MOST_HELP:
        missed.append(f"gunwale --help takes {median(helps):.3f} s, at most {MOST_HELP} wanted")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
