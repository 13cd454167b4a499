"""``make demo``: the figures it shows, and what it leaves behind."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from live import Live

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def demo(tmp_path: Path, *options: str) -> Live:
    return Live([sys.executable, "bench/demo.py", *options], cwd=ROOT, log=tmp_path / "log")


def test_demo_shows_bare_gunicorn_losing_requests_and_gunwale_losing_none(tmp_path: Path) -> None:
    with demo(tmp_path, "-k", "sync", "--json", str(tmp_path / "demo.json")) as process:
        assert process.wait_exit(90) == 0, process.log_text()

    bare, ours = json.loads((tmp_path / "demo.json").read_text())["runs"]
    row = next(line for line in process.log_text().splitlines() if line.startswith("in flight at SIGTERM"))
    assert (bare["server"], ours["server"]) == ("gunicorn", "gunwale")
    assert row.split()[-2:] == [str(bare["in_flight"]), str(ours["in_flight"])]
    assert bare["lost"] + bare["broken"] > 0
    assert ours["in_flight"] > 0
    assert ours["lost"] + ours["broken"] + ours["broken_reused"] + ours["failed_before"] == 0
    assert (ours["keepalive_broken"], ours["exit_code"]) == (0, 0)
    assert bare["rate"] == ours["rate"]


@pytest.mark.parametrize("moment", ["bare gunicorn: load of", "gunwale serve: SIGTERM"])
def test_interrupted_demo_leaves_no_process_behind(tmp_path: Path, moment: str) -> None:
    with demo(tmp_path, "-k", "sync") as process:
        process.wait_for_log(moment, 60)
        process.send(signal.SIGINT)

        assert process.wait_exit(15) == 128 + signal.SIGINT
        assert process.pids() == ()
