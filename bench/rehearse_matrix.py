"""Every server behind every front in the order of every platform: a rehearsal a cell (make matrix).

A cell is kept as JSON in build/matrix and not run again (--again runs it). The table in docs/rehearse.md is
written from all cells there are; --check says whether it is in step with docs/matrix.json.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHOP, CELLS = ROOT / "examples" / "shop", ROOT / "build" / "matrix"
PAGE, RECORD = ROOT / "docs" / "rehearse.md", ROOT / "docs" / "matrix.json"
BEGIN, END = "<!-- begin: bench/rehearse_matrix.py -->\n", "<!-- end: bench/rehearse_matrix.py -->\n"
SERVERS = {
    "gunicorn sync": ("serve.worker_class=sync", "serve.threads=1", "serve.workers=4"),
    "gunicorn gthread": ("serve.worker_class=gthread", "serve.threads=4", "serve.workers=2"),
    "gunicorn gevent": ("serve.worker_class=gevent", "serve.threads=1", "serve.workers=2"),
    "waitress": ("serve.server=waitress", "serve.worker_class=threads", "serve.threads=8"),
}
FRONTS = ("caddy", "nginx", "haproxy", "envoy")
# The clocks' factor: ECS waits 150 s for its checks and 300 s for its delay.
PLATFORMS = {"host": 1, "ecs": 50, "kubernetes": 5}
NAIVE_FRONT = "haproxy"
TRUE = [("gunicorn gthread", "haproxy", platform) for platform in PLATFORMS]
"""One cell of each order at its true clocks."""
RATE, ROLLS = 20, 1
TRUE_RATE = 4  # for ten minutes, of which nine pass in waiting


@dataclass(frozen=True, kw_only=True)
class Cell:
    server: str
    front: str
    platform: str
    is_true: bool = False

    @property
    def name(self) -> str:
        return "-".join(
            [*self.server.split(), self.front, self.platform, *(["true"] if self.is_true else [])]
        )

    @property
    def path(self) -> Path:
        return CELLS / f"{self.name}.json"

    @property
    def factor(self) -> int:
        return 1 if self.is_true else PLATFORMS[self.platform]

    def words(self) -> list[str]:
        words = [
            "rehearse",
            "--as",
            self.platform,
            "--front",
            self.front,
            "--rate",
            str(TRUE_RATE if self.is_true else RATE),
        ]
        words += ["--rolls", "1" if self.is_true else str(ROLLS), "--clock-factor", str(self.factor)]
        words += ["--mix", "load.toml", "--format", "json"]
        words += ["--against", "naive"] if self.front == NAIVE_FRONT and not self.is_true else []
        return words + [word for setting in SERVERS[self.server] for word in ("--set", setting)]


def cells() -> list[Cell]:
    own = [
        Cell(server=server, front=front, platform=platform)
        for platform in PLATFORMS
        for server in SERVERS
        for front in FRONTS
    ]
    true = [Cell(server=s, front=f, platform=p, is_true=True) for s, f, p in TRUE if PLATFORMS[p] != 1]
    return [*own, *true]


def run(cell: Cell) -> dict[str, Any]:
    """Rehearse on a shop of its own; what is kept is the outcome without its events."""
    folder = Path(tempfile.mkdtemp(prefix="gunwale-matrix-"))
    env = {**os.environ, "FLASK_INSTANCE_PATH": str(folder)}
    try:
        seed = [sys.executable, "-m", "flask", "--app", "shop", "seed"]
        subprocess.run(seed, cwd=SHOP, env=env, check=True, capture_output=True, timeout=120)
        argv = [sys.executable, "-m", "gunwale", *cell.words()]
        done = subprocess.run(
            argv, cwd=SHOP, env=env, capture_output=True, text=True, timeout=1800, check=False
        )
        if done.returncode not in {0, 1}:
            raise SystemExit(f"{cell.name}: exit {done.returncode}\n{done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(done.stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rolled = sum(event["event"] == "roll-succeeded" for event in found["events"]) - 1
    kept = {key: found[key] for key in ("verdict", "requests", "failed", "failures", "posts", "latency_ms")}
    kept |= {
        "rolls": rolled,
        "exit": done.returncode,
        "factor": cell.factor,
        "on": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
    }
    kept |= {"load_lag_ms": found["load_lag_ms"]}
    if "against" in found:
        naive = found["against"]
        kept["naive"] = {key: naive[key] for key in ("requests", "failed")}
    CELLS.mkdir(parents=True, exist_ok=True)
    cell.path.write_text(json.dumps(kept, indent=1) + "\n")
    return kept


def table(found: dict[str, Any]) -> str:
    """The page's part: ours, the naive way, the true clocks, and the sums."""
    ours = {name: each for name, each in found.items() if not name.endswith("-true")}
    dates = sorted({each["on"] for each in found.values()})
    total, failed = (sum(each[key] for each in found.values()) for key in ("requests", "failed"))
    posts = {
        key: sum(each["posts"][key] or 0 for each in found.values())
        for key in ("accepted", "lost", "doubled")
    }
    head = (
        f"`make matrix`, {dates[0]}{f' to {dates[-1]}' if dates[-1] != dates[0] else ''}: "
        f"{len(ours)} of {len(SERVERS) * len(FRONTS) * len(PLATFORMS)} cells, {total:,} requests, "
        f"**{failed} failed**; {posts['accepted']:,} POSTs accepted, {posts['lost']} lost, "
        f"{posts['doubled']} doubled; {sum(each['rolls'] for each in found.values())} roll-outs."
    )
    lines = [
        head,
        "",
        "| failed of requests | " + " | ".join(f"{p}, {f}" for p in PLATFORMS for f in FRONTS) + " |",
        "|---|" + "--:|" * (len(PLATFORMS) * len(FRONTS)),
    ]
    for server in SERVERS:
        cells_ = [Cell(server=server, front=f, platform=p) for p in PLATFORMS for f in FRONTS]
        lines.append(f"| {server} | " + " | ".join(_shown(found.get(cell.name)) for cell in cells_) + " |")
    lines += ["", f"The naive way, in the same runs, behind {NAIVE_FRONT}:", ""]
    lines += ["| failed of requests | " + " | ".join(PLATFORMS) + " |", "|---|" + "--:|" * len(PLATFORMS)]
    for server in SERVERS:
        cells_ = [Cell(server=server, front=NAIVE_FRONT, platform=p) for p in PLATFORMS]
        naive = [found.get(cell.name, {}).get("naive") for cell in cells_]
        lines.append(f"| {server} | " + " | ".join(_shown(each) for each in naive) + " |")
    true = {name: each for name, each in found.items() if name.endswith("-true")}
    if true:
        lines += ["", "At the platform's true clocks:", ""]
        lines += [f"- {name.removesuffix('-true')}: {_shown(each)}" for name, each in true.items()]
    return "\n".join(lines) + "\n"


def _shown(each: dict[str, Any] | None) -> str:
    if each is None:
        return "not run"
    count = f"{each['failed']} of {each['requests']}"
    return f"**{count}**" if each["failed"] else count


def write() -> None:
    """Put what the cells say into the record and the page."""
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    known = {cell.name: cell for cell in cells()}
    kept |= {name: json.loads(cell.path.read_text()) for name, cell in known.items() if cell.path.exists()}
    kept = {name: kept[name] for name in known if name in kept}
    RECORD.write_text(json.dumps(kept, indent=1) + "\n")
    PAGE.write_text(page(kept))


def page(kept: dict[str, Any]) -> str:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + table(kept) + END + rest.partition(END)[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cells whose name has this in it")
    parser.add_argument("--again", action="store_true", help="run cells that are there already")
    parser.add_argument("--check", action="store_true", help="exit 1 where page and record differ")
    parser.add_argument("--list", action="store_true", help="name the cells that are missing")
    options = parser.parse_args()
    if options.check:
        return int(PAGE.read_text() != page(json.loads(RECORD.read_text())))
    wanted = [cell for cell in cells() if options.only in cell.name]
    missing = [cell for cell in wanted if options.again or not cell.path.exists()]
    if options.list:
        print("\n".join(cell.name for cell in missing))
        return 0
    harmed = 0
    for cell in missing:
        found = run(cell)
        harmed += found["exit"] != 0
        naive = f", naive {_shown(found['naive'])}" if "naive" in found else ""
        print(f"{cell.name}: {_shown(found)}, posts {found['posts']}{naive}", flush=True)
    write()
    return 1 if harmed else 0


if __name__ == "__main__":
    sys.exit(main())
