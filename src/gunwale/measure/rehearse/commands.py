"""How a task of a rehearsal is started: under gunwale serve, or bare, as most people start it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import derive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunwale.deploy.task import Task
    from gunwale.measure.rehearse.clocks import Clocks
    from gunwale.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Words to run and what is added to the environment."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


def serve(
    task: Task, admin: str, plan: Plan, platform: str, clocks: Clocks, given: tuple[str, ...]
) -> Command:
    """Return ``gunwale serve`` for *task*, with the platform's clocks and the words *given* by the user."""
    words = [sys.executable, "-P", "-m", "gunwale"]
    words += ["--config", str(plan.file)] if plan.file else []
    words += ["serve", str(plan.app), "--bind", task.address, "--admin-bind", admin]
    # The user's own --lame-duck is in the clocks already; everything else that follows from the platform,
    # serve derives itself.
    words += ["--lame-duck", f"{clocks.lame_duck:g}", "--set", f"rollout.platform={platform}"]
    if clocks.pre_stop:
        # It has used up that much of the time when the signal comes.
        words += ["--set", f"rollout.stop_timeout={clocks.stop_timeout - clocks.pre_stop:g}"]
    mine = (
        "serve.lame_duck",
        "rollout.platform",
        "rollout.tasks",
        *(["rollout.stop_timeout"] if clocks.pre_stop else []),
    )
    words += [word for each in given if not each.startswith(mine) for word in ("--set", each)]
    return Command(argv=(*words, *(["--allow-root"] if os.geteuid() == 0 else [])))


def bare(task: Task, plan: Plan) -> Command:
    """Return the plan's server without gunwale: its own command line, as it is written in most places."""
    serve_, app = plan.serve, str(plan.app)
    if serve_.server == "gunicorn":
        words = [
            "-m",
            "gunicorn",
            "--no-control-socket",
            "-k",
            serve_.worker_class,
            "-w",
            str(workers(plan)),
        ]
        words += ["--threads", str(serve_.threads), "-t", f"{max(1, round(serve_.request_timeout))}"]
        return Command(argv=(sys.executable, *words, "-b", task.address, app))
    if serve_.server == "waitress":
        listen = task.address
        where = f"--unix-socket={listen[5:]}" if listen.startswith("unix:") else f"--listen={listen}"
        called, is_factory = (app[:-2], ["--call"]) if app.endswith("()") else (app, [])
        options = [f"--threads={serve_.threads}", where, *is_factory]
        return Command(argv=(sys.executable, "-m", "waitress", *options, called))
    message = f"the naive way is not known for {serve_.server}"
    hint = "leave --against out, or choose gunicorn or waitress"
    raise ConfigurationError(Problem(where="--against", message=message, hint=hint))


def workers(plan: Plan) -> int:
    """Return the number of workers, computed where the plan leaves it open."""
    number = plan.serve.workers
    return derive.workers(plan.flat()).number if isinstance(number, str) else number


def log_of(task: Task, directory: Path) -> Path:
    """Where a task's output goes."""
    return directory / f"{task.name}.log"
