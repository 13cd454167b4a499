"""PID 1 itself: small, idle when there is nothing to do, and free of the application."""

from __future__ import annotations

import os
import re
import signal
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


def test_what_the_server_leaves_behind_is_its_child(serve: Callable[..., Served], project: Path) -> None:
    """Where it is not PID 1 too: an orphan is reaped at once, whoever is init."""
    (project / "leaves.py").write_text(
        "import subprocess\n"
        "subprocess.run(['sh', '-c', 'sleep 60 & echo $! > orphan'])\n"
        "from probe import application\n"
    )
    served = serve(app="leaves:application", workers=1)
    served.wait_for_workers(1)
    orphan = int((project / "orphan").read_text())

    assert f"PPid:\t{served.pid}\n" in Path(f"/proc/{orphan}/status").read_text()
    os.kill(orphan, signal.SIGKILL)
    served.wait_until(lambda: not Path(f"/proc/{orphan}").exists(), 5, "the orphan is reaped")
