"""``gunwale serve``: load the plan, refuse what cannot go well, and become the supervisor."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gunwale.errors import ConfigurationError, Problem, StartError

if TYPE_CHECKING:
    from gunwale.plan.model import Plan

_OPTIONS = {
    "app": "app",
    "server": "serve.server",
    "worker_class": "serve.worker_class",
    "workers": "serve.workers",
    "threads": "serve.threads",
    "bind": "serve.bind",
    "admin_bind": "serve.admin_bind",
    "request_timeout": "serve.request_timeout",
    "lame_duck": "serve.lame_duck",
    "drain_timeout": "serve.drain_timeout",
}


@click.command(name="serve")
@click.argument("app", required=False)
@click.option("--server", metavar="S", help="gunicorn, waitress.")
@click.option(
    "-k", "--worker-class", metavar="C", help="Of gunicorn: sync, gthread, gevent, or a dotted name."
)
@click.option("-w", "--workers", metavar="N", help="A number, or auto.")
@click.option("--threads", metavar="N", help="Threads a worker.")
@click.option("-b", "--bind", metavar="ADDR", multiple=True, help="host:port, [::1]:port or unix:/path.")
@click.option("--admin-bind", metavar="ADDR", help="The port of /health, /ready and /metrics, or off.")
@click.option("-t", "--request-timeout", metavar="S", help="Seconds for one request.")
@click.option("--lame-duck", metavar="S", help="Seconds of serving on after SIGTERM, not ready.")
@click.option("--drain-timeout", metavar="S", help="Seconds to finish what was accepted.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Any setting of the plan.")
@click.option(
    "--env-file",
    metavar="F",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Variables for the application, NAME=value a line.",
)
@click.option("--allow-root", is_flag=True, help="Serve as root all the same.")
@click.pass_context
def command(ctx: click.Context, /, *, env_file: Path | None, allow_root: bool, **options: Any) -> None:
    """Serve APP ("module:variable" or "module:factory()") in production, until SIGTERM."""
    from gunwale.plan import capacity as capacities
    from gunwale.plan.load import load
    from gunwale.serve import refusals
    from gunwale.serve.servers import traits

    if env_file:
        os.environ.update(_read_env_file(env_file))
    directory = Path.cwd()
    capacity = capacities.detect(environ=os.environ)
    plan = load(
        directory,
        config_file=ctx.obj["config"],
        command_line=_command_line(options),
        sets=options["settings"],
        environ=os.environ,
        capacity=capacity,
        servers=traits(),
    )
    _say(plan.title)
    if not env_file and (directory / ".env").exists():
        _say(".env is here and not loaded: give --env-file .env if the application needs it")
    for problem in plan.problems:
        _say(f"{problem.severity}: {problem.where}: {problem.message}")
    flat = plan.flat()
    mapped = refusals.is_mapped_root()
    if os.geteuid() == 0 and (mapped or allow_root):
        _say("warning: running as root" + (" (an ordinary user outside)" if mapped else ""))
    found = refusals.configuration(flat, os.environ, directory, may_be_root=allow_root or mapped)
    if plan.app is None:
        found.append(_no_application(plan))
    if found:
        raise ConfigurationError(found)
    wrong, taken = refusals.addresses(flat)
    if wrong:
        raise ConfigurationError(wrong)
    if missing := [*refusals.installation(flat), *taken]:
        raise StartError(missing)
    _become_supervisor(plan, flat, capacity)


def _command_line(options: dict[str, Any]) -> dict[str, object]:
    given: dict[str, object] = {}
    for name, key in _OPTIONS.items():
        value = options[name]
        if value not in {None, ()}:
            given[key] = list(value) if isinstance(value, tuple) else value
    return given


def _no_application(plan: Plan) -> Problem:
    file = plan.file or "gunwale.toml"
    return Problem(
        where="app",
        message="no application is given, and none was found by reading the project",
        hint=f"gunwale serve 'module:variable' or 'module:factory()', or app = … in {file}",
    )


def _read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines as ``docker run --env-file`` does: no quotes, no expansion."""
    found: dict[str, str] = {}
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or not name.replace("_", "a").isalnum():
            # The line itself is not shown: it may be a secret.
            problems.append(Problem(where=f"{path}:{number}", message="is not NAME=value"))
            continue
        found[name] = value
    if problems:
        raise ConfigurationError(problems)
    return found


def _become_supervisor(plan: Plan, flat: dict[str, Any], capacity: Any) -> None:
    from gunwale.plan.origin import Source
    from gunwale.serve.door import can_steer
    from gunwale.serve.servers import discover

    server, left = discover()[flat["serve.server"]], frozenset(plan.left_to_server)
    flat["serve.steers"] = flat["serve.steering"] == "auto" and can_steer()
    start = server.command(flat, capacity, left_to_server=left).as_json()
    if plan.origins["serve.worker_class"].source in {Source.DEFAULT, Source.DERIVED}:
        alone = {**flat, "serve.worker_class": "gthread", "serve.threads": 4}
        other = server.command(alone, capacity, left_to_server=left).as_json()
        start["alone"] = {name: other[name] for name in ("argv", "concurrency")}
        start["entries"] = max(start["entries"], other["entries"])
    handover = {
        "plan": flat,
        "plan_file": str(plan.file) if plan.file else None,
        "command": start,
        "capacity": {"cpu": flat["resources.cpu"], "memory": flat["resources.memory"]},
    }
    fd = os.memfd_create("gunwale-plan", 0)
    os.write(fd, json.dumps(handover).encode())
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: the project's files must not hide the standard library's in PID 1.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "gunwale.serve.supervisor", str(fd)])  # noqa: S606


def _say(message: str) -> None:
    click.echo(f"gunwale: {message}", err=True)
