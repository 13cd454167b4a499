"""The user's own commands of a roll-out: the release command, and the hooks before, after and on failure."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import detached, launch
from gunwale.deploy.roll import StepError
from gunwale.errors import GunwaleError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.deploy.clock import Clock
    from gunwale.deploy.state import Paths, Release

_TICK = 0.05
_COMMAND = "command"


def run(
    command: str,
    what: str,
    release: Release,
    paths: Paths,
    clock: Clock,
    given: Mapping[str, str],
    **told: str,
) -> None:
    """Run *command* by the shell in the release's folder; StepError, with its last words, unless it exits 0.

    *what* names its log; *told* are variables that it finds beside the release's environment.
    """
    log = paths.log(f"{release.name}.{what}")
    offset = log.stat().st_size if log.exists() else 0
    about = {"RELEASE": release.name, "RELEASE_DIRECTORY": release.directory, **told}
    about[launch.MARK] = launch.mark(paths, _COMMAND)
    env = {**launch.environ(release, given), **about}
    process = detached.start(["/bin/sh", "-c", command], log=log, cwd=Path(release.directory), env=env)
    try:
        while process.is_alive:
            clock.wait(_TICK)
    except BaseException:
        # It is the leader of its session, and so of the group that the shell's own children are in.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise
    if process.exit_code:
        tail = detached.log_tail(log, offset)
        raise StepError(None, f"{what} ({command}) ended with exit code {process.exit_code}", tail)


def refuse_running(paths: Paths) -> None:
    """Refuse to go on while a command still runs whose gunwale was killed: two migrations may not meet."""
    found = detached.marked(launch.MARK, launch.mark(paths, _COMMAND))
    if found:
        pids = ", ".join(str(process.pid) for process in found)
        message = f"a command of a roll-out that was cut short still runs (pid {pids})"
        raise GunwaleError(
            Problem(where=str(paths.root), message=message, hint="wait for its end, or end it")
        )
