"""Rehearsals made by hand: for tests of what is written about one."""

from __future__ import annotations

import math
import random
from typing import Any

from gunwale.measure.load_report import Outcome
from gunwale.measure.rehearse.outcome import Posts, Rehearsal, Roll, Row, TaskLife

HOSTILE = "/find?q=</script><img src=x onerror=alert(1)>&amp;\u2028'\"$title"


def rehearsal(
    *, requests: int = 2000, rate: float = 100, failed: int = 0, tasks: int = 2, hostile: bool = False
) -> Rehearsal:
    """A roll-out in the middle of *requests*; *failed* of them fail while the old tasks stop."""
    seconds = requests / rate
    begin = seconds * 0.3
    steps = dict(
        zip(("start", "ready", "shift", "drain", "stop", "end"), _steps(begin, seconds), strict=True)
    )
    events = _events(steps, tasks)
    random_ = random.Random(7)
    rows = [_row(number, number / rate, steps, random_, hostile=hostile) for number in range(requests)]
    stopping = [index for index, row in enumerate(rows) if steps["drain"] <= row["intended"] < steps["end"]]
    for index in stopping[:failed]:
        rows[index] |= {
            "outcome": Outcome.RESET,
            "status": None,
            "task": "",
            "error": "ConnectionResetError(104)",
        }
        rows[index]["finished"] = rows[index]["intended"] + 0.02
    posts = sum(row["method"] == "POST" and row["outcome"] is Outcome.OK for row in rows)
    old = [_life(f"v1.{n}", 0.0, 0.0, steps["stop"] + 0.3 + 0.1 * n) for n in range(1, tasks + 1)]
    new = [_life(f"v2.{n}", steps["start"], steps["ready"] + 0.2 * n, None) for n in range(1, tasks + 1)]
    return Rehearsal(
        title="the shop, rolled as host behind caddy",
        platform="host",
        front="caddy",
        server="gunicorn gthread",
        versions={"python": "3.11.7", "gunicorn": "27.0.1", "caddy": "2.11.7"},
        rate=rate,
        started="2026-11-28T12:00:00Z",
        factor=1,
        rows=tuple(Row(**row) for row in rows),
        tasks=(*old, *new),
        events=tuple(events),
        posts=Posts(accepted=posts, stored=posts, lost=0, doubled=0),
        rolls=(Roll(number=1, succeeded=True, seconds=steps["end"] - steps["start"], floor=2.1),),
        lag_p99=0.0004,
        seconds=seconds,
    )  # fmt: skip


def _steps(begin: float, seconds: float) -> list[float]:
    return [begin + seconds * share for share in (0.0, 0.12, 0.2, 0.22, 0.3, 0.34)]


def _events(steps: dict[str, float], tasks: int) -> list[dict[str, Any]]:
    old, new = ([f"{release}.{number + 1}" for number in range(tasks)] for release in ("v1", "v2"))
    told: list[tuple[float, str, str, str | None]] = [(steps["start"], "start", "roll-started", None)]
    told += [(steps["start"] + 0.01, "start", "task-started", task) for task in new]
    told += [(steps["ready"] + 0.2 * n, "ready", "task-ready", task) for n, task in enumerate(new)]
    told += [(steps["shift"], "shift", "task-shifted", task) for task in new]
    told += [(steps["drain"], "drain", "target-removed", task) for task in old]
    told += [(steps["stop"], "stop", "signalled", task) for task in old]
    told += [(steps["stop"] + 0.3 + 0.1 * n, "stop", "task-stopped", task) for n, task in enumerate(old)]
    told.append((steps["end"], "stop", "roll-succeeded", None))
    names = ("at", "phase", "event", "task")
    fixed = {"time": "2026-11-28T12:00:00.000Z", "roll": 1}
    return [fixed | dict(zip(names, each, strict=True)) for each in sorted(told, key=lambda each: each[0])]


def _row(
    number: int, at: float, steps: dict[str, float], random_: random.Random, *, hostile: bool
) -> dict[str, Any]:
    phases = ("start", "ready", "shift", "drain", "stop")
    phase = "steady"
    if steps["start"] <= at < steps["end"]:
        phase = max((name for name in phases if steps[name] <= at), key=phases.index)
    slow = 0.4 if number % 10 == 3 else 0.004
    latency = slow * math.exp(random_.gauss(0, 0.4)) * (3 if phase == "start" else 1)
    return {
        "intended": at,
        "finished": at + latency,
        "status": 200,
        "outcome": Outcome.OK,
        "task": f"v{1 if at < steps['shift'] else 2}.{number % 2 + 1}",
        "phase": phase,
        "kind": "fresh" if number % 3 else "keepalive",
        "method": "POST" if number % 10 == 5 else "GET",
        "path": HOSTILE if hostile and number % 50 == 0 else f"/products/{number % 40}",
        "request_id": f"6f1c{number:08x}",
        "error": "",
    }


def _life(name: str, started: float, ready: float | None, stopped: float | None) -> TaskLife:
    return TaskLife(name=name, release=name[:2], started=started, ready=ready, stopped=stopped)
