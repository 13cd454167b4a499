"""The user's own commands of a roll-out."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy import commands, detached, launch
from gunwale.deploy.clock import RealClock
from gunwale.deploy.roll import StepError
from gunwale.deploy.state import Paths, Release
from gunwale.errors import GunwaleError
from live import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.deploy.clock import Clock


def run(command: str, folder: Path, clock: Clock | None = None) -> Paths:
    paths = Paths(folder / "s")
    paths.make()
    release = Release(name="v3", directory=str(folder), python=sys.executable)
    given = {"PATH": os.defpath, "KEY": "value"}
    commands.run(command, "release_command", release, paths, clock or RealClock(), given, ROLL_REASON="why")
    return paths


def test_command_runs_in_the_release_with_its_environment(tmp_path: Path) -> None:
    run('echo "$KEY $RELEASE $RELEASE_DIRECTORY $ROLL_REASON" > said', tmp_path)
    assert (tmp_path / "said").read_text() == f"value v3 {tmp_path} why\n"


def test_command_that_fails_says_how_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"release_command \(.*\) ended with exit code 4") as failed:
        run("echo no such table; exit 4", tmp_path)
    assert failed.value.log_tail == "no such table"


class CutShort(RealClock):
    def wait(self, seconds: float) -> None:  # noqa: ARG002 - Clock
        raise StepError(None, "stopped by SIGINT")


def test_command_that_is_cut_short_is_ended(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="stopped by SIGINT"):
        run("sleep 60", tmp_path, CutShort())
    paths = Paths(tmp_path / "s")
    wait_until(lambda: not detached.marked(launch.MARK, launch.mark(paths, "command")), 5, "it has ended")


def test_nothing_goes_on_while_a_command_of_a_killed_gunwale_runs(tmp_path: Path) -> None:
    paths = run("true", tmp_path)
    commands.refuse_running(paths)
    env = {**os.environ, launch.MARK: launch.mark(paths, "command")}
    left = detached.start(["/bin/sleep", "60"], log=tmp_path / "log", cwd=tmp_path, env=env)
    try:
        with pytest.raises(GunwaleError, match=rf"still runs \(pid {left.pid}\)") as refused:
            commands.refuse_running(paths)
        assert refused.value.exit_code == 1
    finally:
        left.send(signal.SIGKILL)
        assert left.wait_end(5)
