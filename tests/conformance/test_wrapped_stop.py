"""SIGTERM, and a reload, under load lose nothing of what the user's own command serves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, LoadProcess, Profile
from gunwale.measure.sigterm import Trial, measure_stop
from served import Served
from wrapping import CONFIGURATION, GUNICORN, WAITRESS, wrapped

if TYPE_CHECKING:
    from pathlib import Path

MIX = (Ask(path="/spin?seconds=0.002", weight=4), Ask(path="/upload", method="POST", size=2000))
COMMANDS = {
    "configuration file": (*GUNICORN, "probe:application"),
    "preload": (*GUNICORN, "-w", "3", "--preload", "probe:application"),
    "gthread": (*GUNICORN, "-k", "gthread", "--threads", "8", "-w", "2", "probe:application"),
    "gevent": (*GUNICORN, "-k", "gevent", "-w", "2", "probe:application"),
    "own worker class": (*GUNICORN, "-k", "wrapped.Worker", "--threads", "8", "-w", "2", "probe:application"),
    "own logger class": (*GUNICORN, "--logger-class", "wrapped.Log", "-w", "3", "probe:application"),
    "GUNICORN_CMD_ARGS": (*GUNICORN, "probe:application"),
    "waitress-serve": (*WAITRESS, "--threads", "8", "probe:application"),
}


def listen_option(own: tuple[str, ...]) -> str:
    return "--listen" if own[0] == WAITRESS[0] else "--bind"


def with_address(own: tuple[str, ...], address: str) -> list[str]:
    return [*own[:-1], listen_option(own), address, own[-1]]


@pytest.mark.needs_steering
@pytest.mark.parametrize("name", COMMANDS)
def test_sigterm_under_load_loses_nothing(name: str, project: Path, port: int, tmp_path: Path) -> None:
    if name == "configuration file":
        (project / "gunicorn.conf.py").write_text(CONFIGURATION)
    env: dict[str, str | None] = {"PORT": None, "WEB_CONCURRENCY": None}
    if name == "GUNICORN_CMD_ARGS":
        env["GUNICORN_CMD_ARGS"] = "--workers 3 --keep-alive 5"
    words = wrapped(with_address(COMMANDS[name], f"127.0.0.1:{port}"), "--lame-duck", "2", admin="off")
    target = f"http://127.0.0.1:{port}"
    result = measure_stop(
        Trial(argv=tuple(words), target=target, mix=MIX, log=tmp_path / "log", cwd=project, env=env)
    )

    assert not result.lost_anything, result.losses()
    assert result.keepalive_broken == 0
    assert result.in_flight > 0, "the signal came when nothing was in flight: the test says nothing"
    assert result.exit_code == 0


@pytest.mark.slow
@pytest.mark.needs_steering
def test_reloads_under_load_lose_nothing(project: Path, port: int, tmp_path: Path) -> None:
    (project / "gunicorn.conf.py").write_text(CONFIGURATION)
    own = [*GUNICORN, "-k", "wrapped.Worker", "--threads", "8", "--logger-class", "wrapped.Log"]
    words = wrapped([*own, "--bind", f"127.0.0.1:{port}", "probe:application"])
    with Served(words, log=tmp_path / "log", cwd=project, env={"PORT": None}) as served:
        served.wait_for_workers(2)
        profile = Profile(target=f"http://127.0.0.1:{port}", rate=50, mix=MIX, keepalive_clients=8)
        with LoadProcess(profile) as load:
            for _ in range(2):
                reload = [sys.executable, "-m", "gunwale", "reload", "--bind", f"127.0.0.1:{port}"]
                subprocess.run(reload, check=True, capture_output=True, timeout=60)
            result = load.stop()

    assert result.failed() == ()
    assert len(result.records) > 200
    assert (project / "record").read_text().count("on_starting") == 3
