"""PID 1 itself: small, idle when there is nothing to do, and free of the application."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_it_takes_at_most_20_mib(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options)
    for _ in range(50):
        served.get("/")
    served.ask_admin("/metrics")
    rollup = Path(f"/proc/{served.pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found

    assert int(found.group(1)) <= 20 * 1024


def test_it_takes_no_cpu_when_idle(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    before = cpu_ticks(served.pid)
    time.sleep(3)

    assert cpu_ticks(served.pid) - before <= 1  # 10 ms


def test_it_holds_nothing_of_the_application(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    mapped = Path(f"/proc/{served.pid}/maps").read_text()

    for name in ("greenlet", "gevent", "markupsafe", "probe"):
        assert name not in mapped
