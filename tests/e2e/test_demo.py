"""``make demo``: what it counts, the report it leaves, and that it leaves nothing else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser import MISSING, Browser, program
from live import Live

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "build" / "rehearsal.html"


@pytest.fixture(scope="module")
def said() -> str:
    """What the demo says, run once as the README says it."""
    REPORT.unlink(missing_ok=True)
    # Its own make, not a part of the one that runs these tests: that one's directories would be told.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "demo"],
        cwd=ROOT,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def test_gunwale_lost_nothing_and_the_naive_way_did(said: str) -> None:
    ours = re.search(
        r"^ZERO LOSS: 0 of (\d+) requests failed; of (\d+) POSTs accepted 0 lost, 0", said, re.MULTILINE
    )
    naive = re.search(r"^the naive way failed (\d+) of (\d+) requests", said, re.MULTILINE)

    assert ours, said
    assert naive, said
    assert int(ours[1]) > 500
    assert int(ours[2]) > 50
    assert int(naive[1]) > 0


def test_it_shows_each_step_and_ends_with_the_path_of_the_report(said: str) -> None:
    assert "task-started v2.1" in said
    assert "roll-succeeded v3" in said
    assert said.rstrip().endswith(str(REPORT))


@pytest.mark.skipif(program() is None, reason=MISSING)
def test_the_report_of_a_real_rehearsal_shows_both_ways(said: str, browser: Browser) -> None:
    failed = re.search(r"^the naive way failed (\d+) of", said, re.MULTILINE)
    assert failed is not None
    page = browser.page()
    page.open(REPORT)
    page.wait("document.querySelectorAll('.run .at-time svg').length === 2")

    assert page.run("document.querySelector('h1').textContent") == "No request failed."
    marks = "[...document.querySelectorAll('.run:last-child .marks button')].map((each) => each.textContent)"
    counts = [1 if text == "✕" else int(text) for text in page.run(marks)]
    assert sum(counts) == int(failed[1])
    lanes = page.run(
        "[...document.querySelectorAll('.run:first-child .at-lanes title')].map((each) => each.textContent)"
    )
    assert [lane.split(",")[0] for lane in lanes] == [
        f"task v{release}.{number} of release v{release}" for release in (1, 2, 3) for number in (1, 2)
    ]
    assert all("stopped" in lane for lane in lanes[:4])
    assert page.requests == [REPORT.as_uri()]
    assert page.complaints == []


def test_interrupted_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    argv = [sys.executable, "bench/demo.py", "--report", str(tmp_path / "report.html")]
    with Live(argv, cwd=ROOT, log=tmp_path / "log") as process:
        process.wait_for_log("roll-out 1 of 2", 90)
        process.send(signal.SIGINT)

        assert process.wait_exit(15) == 128 + signal.SIGINT
        assert process.pids() == ()
        assert not (tmp_path / "report.html").exists()
