"""``gunwale serve``: load the plan, refuse what cannot go well, and become the supervisor."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gunwale.errors import ConfigurationError, Problem, StartError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.plan.capacity import Capacity
    from gunwale.plan.model import Plan
    from gunwale.serve.own_command import Own

OWN_COMMAND = "gunwale.own_command"
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


class WithCommand(click.Command):
    """A command that hands on, untouched, what follows "--"."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the server's own command from click, which would read its options."""
        if "--" in args:
            at = args.index("--")
            args, ctx.meta[OWN_COMMAND] = args[:at], args[at + 1 :]
        return super().parse_args(ctx, args)


@click.command(name="serve", cls=WithCommand)
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
@click.option("--user", metavar="NAME", help="Started as root: become this user first.")
@click.option("--allow-root", is_flag=True, help="Serve as root all the same.")
@click.pass_context
def command(
    ctx: click.Context, /, *, env_file: Path | None, user: str | None, allow_root: bool, **options: Any
) -> None:
    """Serve APP ("module:variable" or "module:factory()") in production, until SIGTERM.

    Or put "gunwale serve [OPTIONS] --" in front of your own gunicorn or waitress-serve command.
    """
    from gunwale.plan import capacity as capacities
    from gunwale.serve import own_command, refusals

    _fill_closed_streams()
    if env_file:
        os.environ.update(_read_env_file(env_file))
    capacity = capacities.detect(environ=os.environ)
    plan, own = _plan(ctx, options, capacity)
    _say(plan.title)
    if not env_file and Path(".env").exists():
        _say(".env is here and not loaded: give --env-file .env if the application needs it")
    for problem in plan.problems:
        _say(f"{problem.severity}: {problem.where}: {problem.message}")
    for line in (*own.said, *own_command.overruled(plan, own), *own_command.deadline(plan, own)):
        _say(line)
    # Before anything is looked at that this user may do, and that one may not.
    _become(user, own)
    flat = plan.flat()
    mapped = refusals.is_mapped_root()
    if os.geteuid() == 0 and (mapped or allow_root):
        _say("warning: running as root" + (" (an ordinary user outside)" if mapped else ""))
    environ = {**os.environ, **own.environ}
    found = refusals.configuration(flat, environ, Path.cwd(), may_be_root=allow_root or mapped)
    found += [*own.refused, *_unsettled(plan), *_take_held(flat)]
    if found:
        raise ConfigurationError(_placed(found, plan))
    wrong, taken = refusals.addresses(flat)
    if wrong:
        raise ConfigurationError(_placed(wrong, plan))
    if missing := [*refusals.installation(flat), *taken]:
        raise StartError(_placed(missing, plan))
    if own.pid_file:
        _write_pid(own.pid_file)
    _become_supervisor(plan, flat, capacity, own)


def _take_held(flat: dict[str, Any]) -> list[Problem]:
    """Note which addresses have a socket that systemd passed."""
    from gunwale.serve import activation

    held, problems = activation.held(os.environ, flat["serve.bind"])
    flat["serve.held"] = held
    for address in held:
        _say(f"systemd keeps the socket of {address}: it is used as it is; restart instead of a reload")
    return problems


def _placed(problems: list[Problem], plan: Plan) -> list[Problem]:
    """Say beside each setting who set it: it may be another place than the one just edited."""
    placed = []
    for problem in problems:
        origin = plan.origins.get(problem.where.partition(" ")[0])
        given = origin.place if origin else ""
        placed.append(replace(problem, where=f"{problem.where} ({given})") if given else problem)
    return placed


def _plan(ctx: click.Context, options: dict[str, Any], capacity: Capacity) -> tuple[Plan, Own]:
    from gunwale.plan.load import load
    from gunwale.serve import own_command
    from gunwale.serve.servers import traits

    given, directory, own = _command_line(options), Path.cwd(), None
    server, words = None, None
    if OWN_COMMAND in ctx.meta:
        server, words = own_command.split(ctx.meta[OWN_COMMAND])
        if given.setdefault("serve.server", server) != server:
            message = f"the command after -- is {server}'s"
            raise ConfigurationError(Problem(where=f"--server {given['serve.server']}", message=message))
        own = own_command.read(server, words, os.environ, directory, is_command=True)
    configured = own or own_command.Own()
    if own is None and given.get("serve.server", "gunicorn") == "gunicorn":
        # Gunicorn reads its file, and its variable, without a command too.
        configured = own_command.read("gunicorn", (), os.environ, directory, is_command=False)
    plan = load(
        directory,
        config_file=ctx.obj["config"],
        command_line=given,
        sets=options["settings"],
        server_words=words if server == "gunicorn" else None,
        own_command=own.settings if own else None,
        gunicorn_says=configured.asked,
        environ=os.environ,
        capacity=capacity,
        servers=traits(),
    )
    if own is None and plan.serve.server != "gunicorn":
        configured = own_command.Own()
    return plan, configured


def _become(user: str | None, own: Own) -> None:
    from gunwale.serve.user import become

    if user is not None:
        become(user, "--user", os.environ)
    elif own.user is not None:
        become(own.user, own.user_place, os.environ)


def _write_pid(path: str) -> None:
    from gunwale.serve.own_command import write_pid

    try:
        write_pid(path)
    except OSError as error:
        hint = "give another path, or leave it out"
        message = f"cannot be written: {error.strerror}"
        raise ConfigurationError(Problem(where=f"pidfile {path}", message=message, hint=hint)) from error


def _command_line(options: dict[str, Any]) -> dict[str, object]:
    given: dict[str, object] = {}
    for name, key in _OPTIONS.items():
        value = options[name]
        if value not in {None, ()}:
            given[key] = list(value) if isinstance(value, tuple) else value
    return given


def _unsettled(plan: Plan) -> Iterator[Problem]:
    """Name what serve must know before it starts, and does not."""
    if plan.app is None and "app" not in plan.left_to_server:
        yield Problem(
            where="app",
            message="no application is given, and none was found by reading the project",
            hint="gunwale serve 'module:variable' or 'module:factory()', "
            f"or app = … in {plan.file or 'gunwale.toml'}",
        )
    if why := plan.left_to_server.get("serve.bind"):
        yield Problem(where=why, message="serve must know its addresses", hint="give --bind ADDR to serve")


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


def _become_supervisor(plan: Plan, flat: dict[str, Any], capacity: Capacity, own: Own) -> None:
    from gunwale.plan.origin import Source
    from gunwale.serve.kernel import adopt_orphans, can_steer
    from gunwale.serve.servers import discover

    theirs = {key for key, origin in plan.origins.items() if origin.is_gunicorns}
    server, left = discover()[flat["serve.server"]], frozenset({*plan.left_to_server, *theirs, *own.keeps})
    flat["serve.left_to_server"] = sorted(left)
    if own.words is not None:
        flat["serve.words"] = own.words
    flat["serve.steers"] = flat["serve.steering"] == "auto" and not flat["serve.held"] and can_steer()
    start = server.command(flat, capacity, left_to_server=left).as_json()
    is_chosen = plan.origins["serve.worker_class"].source not in {Source.DEFAULT, Source.DERIVED}
    # With a socket of systemd's the first worker may have accepted already: it must not be ended for another.
    if not is_chosen and not flat["serve.held"] and "gthread" in server.TRAITS.worker_classes:
        alone = {**flat, "serve.worker_class": "gthread", "serve.threads": 4}
        other = server.command(alone, capacity, left_to_server=left).as_json()
        start["alone"] = {name: other[name] for name in ("argv", "concurrency")}
        start["entries"] = max(start["entries"], other["entries"])
    handover = {
        "plan": flat,
        "plan_file": str(plan.file) if plan.file else None,
        "pid_file": own.pid_file,
        "command": start,
        "capacity": {"cpu": flat["resources.cpu"], "memory": flat["resources.memory"]},
    }
    fd = os.memfd_create("gunwale-plan", os.MFD_ALLOW_SEALING)
    os.write(fd, json.dumps(handover).encode())
    # Nobody changes it any more: every server process inherits it, and the next generation reads it too.
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    for each in (signal.SIGUSR1, signal.SIGUSR2):
        # Gunicorn's, for its log files and a second master. The first is heard once the supervisor runs.
        signal.signal(each, signal.SIG_IGN)
    adopt_orphans()
    # -P: the project's files must not hide the standard library's in PID 1.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "gunwale.serve.supervisor", str(fd)])  # noqa: S606


def _fill_closed_streams() -> None:
    """Open /dev/null where stdin, stdout or stderr is closed.

    The next file or socket would get that number, and log lines would go into it.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest free number is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - os's signature
            if fd:
                _say(f"warning: {name} is closed: what serve writes there is lost")


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # nobody can read it: no reason not to serve
        os.write(2, f"gunwale: {message}\n".encode())
