"""SIGTERM under load loses nothing of what the user's own command serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask
from gunwale.measure.sigterm import Trial, measure_stop
from wrapping import CONFIGURATION, GUNICORN, WAITRESS, wrapped

if TYPE_CHECKING:
    from pathlib import Path

MIX = (Ask(path="/spin?seconds=0.002", weight=4), Ask(path="/upload", method="POST", size=2000))
COMMANDS = {
    "configuration file": (*GUNICORN, "probe:application"),
    "preload": (*GUNICORN, "-w", "3", "--preload", "probe:application"),
    "gthread": (*GUNICORN, "-k", "gthread", "--threads", "8", "-w", "2", "probe:application"),
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
