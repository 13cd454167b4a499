"""The rehearsal itself: real processes, real fronts, a real load; cells of the matrix that tell most."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from live import Live, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

APP = Path(__file__).with_name("orders_app.py")
MIX = [
    {"path": "/", "weight": 3},
    {"path": "/?seconds=0.2"},
    {"path": "/orders", "method": "POST", "body": "n=1", "weight": 2},
]


class Project:
    """A folder with the small application and what it keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / APP.name).write_text(APP.read_text())
        (folder / "mix.json").write_text(json.dumps(MIX))
        self.orders = folder / "orders"
        self.orders.touch()

    def argv(self, *options: str) -> list[str]:
        words = ["rehearse", "orders_app:application", "--rate", "25", "--mix", "mix.json"]
        words += ["--stored", f"command:cat {self.orders}", "--format", "json"]
        # Waitress is one process by its nature.
        words += [] if "serve.server=waitress" in options else ["--set", "serve.workers=2"]
        return [sys.executable, "-m", "gunwale", *words, *options]

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "ORDERS": str(self.orders)}

    def run(self, *options: str) -> tuple[int, dict[str, Any], str]:
        done = subprocess.run(
            self.argv(*options),
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def names(found: dict[str, Any], event: str) -> list[str]:
    return [each["task"] for each in found["events"] if each["event"] == event]


CELLS: Sequence[tuple[str, ...]] = (
    ("--as", "host", "--front", "caddy", "--set", "serve.worker_class=sync"),
    ("--as", "kubernetes", "--front", "nginx", "--clock-factor", "10", "--set", "serve.server=waitress"),
    ("--as", "ecs", "--front", "envoy", "--clock-factor", "200", "--set", "serve.worker_class=gthread",
     "--set", "serve.threads=4"),
)  # fmt: skip


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell[1]}-{cell[3]}")
def test_a_roll_out_loses_no_request_and_no_post(project: Project, cell: tuple[str, ...]) -> None:
    code, found, _ = project.run(*cell)

    assert found["failures"] == []
    assert (code, found["verdict"], found["failed"]) == (0, "zero-loss", 0)
    assert found["requests"] > 150
    posts = found["posts"]
    assert posts["accepted"] > 40
    assert (posts["lost"], posts["doubled"]) == (0, 0)
    # The load's ids, as the application itself has them.
    assert posts["stored"] == len(set(project.orders.read_text().split()))
    assert names(found, "task-started") == ["v1.1", "v2.1"]
    assert names(found, "task-stopped") == ["v1.1"]
    assert set(found["by_phase"]) >= {"steady", "ready", "stop"}


def test_the_naive_way_beside_it_fails_requests_that_are_counted(project: Project) -> None:
    code, found, _ = project.run(
        "--as", "host", "--front", "haproxy", "--against", "naive", "--set", "serve.worker_class=sync"
    )

    naive = found["against"]
    assert (code, found["failed"]) == (0, 0)
    assert naive["failed"] == len(naive["failures"]) > 0
    assert {each["phase"] for each in naive["failures"]} - {"steady"}
    assert all(re.match(r"(status-error|refused|eof|reset)", each["error"]) for each in naive["failures"])


def test_a_release_that_crashes_after_it_was_ready_never_gets_traffic(project: Project) -> None:
    code, found, _ = project.run("--front", "haproxy", "--fault", "crash-after-ready")

    (failed,) = [each for each in found["events"] if each["event"] == "roll-failed"]
    assert (code, found["verdict"], found["failed"]) == (1, "zero-loss", 0)
    assert failed["task"] == "v2.1"
    assert "this release crashes" in failed["log_tail"]
    assert names(found, "task-shifted") == ["v1.1"]
    assert names(found, "task-stopped") == ["v2.1"]


def test_ctrl_c_in_the_middle_leaves_nothing_running(project: Project, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    argv = project.argv("--front", "haproxy", "--keep", str(kept))
    with Live(argv, log=tmp_path / "log", cwd=project.folder, env=project.environ) as running:
        running.wait_for_log("roll-out 1 of 1", 60)
        wait_until(lambda: len(running.children()) == 4, 20, "the front, both releases and the load run")

        running.send(signal.SIGINT)

        assert running.wait_exit(30) == 130
        wait_until(lambda: not running.pids(), 10, "nothing is left")
    # What there was to read is kept all the same.
    assert '"task": "v2.1"' in (kept / "ours" / "events.jsonl").read_text()
    assert (kept / "ours" / "v1.1.log").exists()


def test_a_port_in_use_is_named_before_anything_starts(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            project.argv("--front", "haproxy", "--port", str(port)),
            cwd=project.folder,
            env=project.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 3
    assert f"port {port} is in use" in done.stderr
    assert "hint: " in done.stderr
