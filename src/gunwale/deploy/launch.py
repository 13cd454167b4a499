"""How a release runs on this machine: its plan, its interpreter, its command line, its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gunwale.deploy import detached
from gunwale.deploy.caddy_config import SLOTS
from gunwale.deploy.caddy_config import Site as Front
from gunwale.deploy.state import Release
from gunwale.errors import ConfigurationError, Problem, StartError
from gunwale.plan import chain
from gunwale.plan.load import load
from gunwale.plan.origin import Source
from gunwale.plan.trust import FIELD_NAMES
from gunwale.serve.refusals import find_proxy_fix
from gunwale.serve.servers import traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunwale.deploy.detached import Detached
    from gunwale.deploy.state import Paths
    from gunwale.plan.layer import Layer
    from gunwale.plan.model import Plan

MARK = "TASK_OF_SITE"
"""In the environment of every process of a task, so that it is found whatever was written down of it."""
# Caddy's own closing of what is idle is what ends the last connection to an old task: Gunicorn waits for
# those 2 to 3 s when it stops (27.0.1, gthread), and a Unix socket is connected to in 44 µs here.
_IDLE = 0.5
_TRY_DURATION = 5.0  # seconds a request waits for a task that is being started again
# What systemd told gunwale is not meant for what it starts.
_NOT_THEIRS = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID")
# X-Forwarded-For, -Proto and -Host are reverse_proxy's own.
_WRITES = {
    "port": "{http.request.port}",
    "real_ip": "{http.request.remote.host}",
    "request_id": "{http.request.uuid}",
}
_NAMES = {**FIELD_NAMES, "real_ip": "X-Real-IP", "request_id": "X-Request-ID"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says of a release and of its front."""

    directory: Path
    app: str | None = None
    config: Path | None = None
    sets: tuple[str, ...] = ()
    env_file: Path | None = None
    allow_root: bool = False
    listen: str | None = None
    domains: tuple[str, ...] = ()
    issuer: str = "acme"
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return what a release is made again from; its environment is kept elsewhere."""
        return {
            "app": self.app,
            "config": str(self.config) if self.config else None,
            "sets": list(self.sets),
            "env_file": str(self.env_file) if self.env_file else None,
        }

    @classmethod
    def again(cls, found: Release, environ: Mapping[str, str], *, allow_root: bool) -> Self:
        """Want what a release was made from; what is allowed is the site's, and as it is now."""
        given = found.given
        return cls(
            directory=Path(found.directory),
            app=given["app"],
            config=Path(given["config"]) if given["config"] else None,
            sets=tuple(given["sets"]),
            env_file=Path(given["env_file"]) if given["env_file"] else None,
            allow_root=allow_root,
            environ=environ,
        )


def read_plan(wanted: Wanted) -> tuple[Plan, tuple[str, ...]]:
    """Load the plan of the release, and what of it each task must be told beside its files."""
    sets = (*wanted.sets, "rollout.platform=host")

    def loaded() -> Plan:
        return load(
            wanted.directory,
            environ=wanted.environ,
            config_file=wanted.config,
            command_line={"app": wanted.app} if wanted.app else None,
            sets=sets,
            servers=traits(),
        )

    plan = loaded()
    if not plan.proxies.chain and not any(find_proxy_fix(wanted.directory)):
        # An application with a ProxyFix of its own counts this Caddy itself.
        sets += ('proxies.chain=["caddy"]',)
        plan = loaded()
    if plan.app is None:
        hint = "gunwale up 'module:variable' or 'module:factory()', or app = … in the plan's file"
        message = "no application is given, and none was found by reading the project"
        raise ConfigurationError(Problem(where=str(wanted.directory), message=message, hint=hint))
    if os.geteuid() == 0 and not wanted.allow_root:
        hint = "use a user of its own for the site, or say --allow-root: the site remembers it"
        message = "the application would run as root"
        raise ConfigurationError(Problem(where="uid 0", message=message, hint=hint))
    return plan, sets


def release(wanted: Wanted, plan: Plan, sets: Sequence[str], name: str, created: str) -> Release:
    """Make the release *name* of a directory as it stands."""
    own = wanted.directory / ".venv/bin/python"
    python = str(own) if own.exists() else sys.executable
    if own.exists():
        _check_interpreter(own)
    arguments = ["--config", str(wanted.config.absolute())] if wanted.config else []
    arguments += ["serve", *([wanted.app] if wanted.app else [])]
    for each in sets:
        arguments += ["--set", each]
    if wanted.env_file:
        arguments += ["--env-file", str(wanted.env_file.absolute())]
    if wanted.allow_root:
        arguments += ["--allow-root"]
    hosts = [each for each in plan.security.trusted_hosts or () if not each.startswith(".")]
    return Release(
        name=name,
        directory=str(wanted.directory),
        python=python,
        arguments=tuple(arguments),
        given=wanted.as_json(),
        origin=name,
        created=created,
        host=hosts[0] if hosts else "localhost",
        liveness_path=plan.health.liveness_path,
        readiness_path=plan.health.readiness_path,
        interval=plan.health.interval,
        timeout=plan.health.timeout,
        ready_timeout=plan.rollout.ready_timeout,
        request_timeout=plan.serve.request_timeout,
        stop_timeout=plan.rollout.stop_timeout,
    )


def _check_interpreter(python: Path) -> None:
    asked = subprocess.run(
        [python, "-P", "-c", "import gunwale"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        hint = f"{python} -m pip install gunwale"
        said = (asked.stderr.strip().splitlines() or ["it does not run"])[-1]
        raise StartError(Problem(where=str(python), message=f"cannot import gunwale: {said}", hint=hint))


def front(wanted: Wanted, plan: Plan, known: Front | None) -> Front:
    """Return the front that the plan asks for; what only `up` is told stays as it is *known*."""
    layers = chain.layers(plan.proxies.chain)
    last = layers[-1] if layers else chain.layers(["caddy"])[-1]
    if last.name != "caddy":
        hint = (
            'end the chain with "caddy"; a trusted layer before it needs a Caddy of your own (render caddy)'
        )
        message = f"the chain ends with {last.name}, and gunwale up puts a Caddy there"
        raise ConfigurationError(Problem(where="proxies.chain", message=message, hint=hint))
    if wanted.listen or not known:
        listen = wanted.listen or (":443" if wanted.domains else _bind(plan))
    else:
        listen = known.listen
    if listen.startswith("unix:") or ":" not in listen:
        hint = "give --listen, for example 127.0.0.1:8000"
        raise ConfigurationError(Problem(where=listen, message="clients cannot ask there", hint=hint))
    return Front(
        listen=listen,
        names=wanted.domains or (known.names if known else ()),
        issuer=wanted.issuer if wanted.domains or not known else known.issuer,
        # Below the application's own, which must never be the one that closes.
        idle_timeout=min(_IDLE, plan.serve.keepalive / 2),
        grace_period=plan.serve.request_timeout,
        max_body=last.max_body,
        fields=_fields(last, is_edge=len(layers) <= 1),
        try_duration=_TRY_DURATION,
        slots=max(SLOTS, plan.rollout.tasks + plan.rollout.surge),
    )


def _bind(plan: Plan) -> str:
    """Return what somebody wrote, or else loopback, in a container too."""
    is_written = plan.origins["serve.bind"].source is not Source.DERIVED
    return plan.serve.bind[0] if is_written else "127.0.0.1:8000"


def _fields(layer: Layer, *, is_edge: bool) -> dict[str, str | None]:
    """Return what becomes of each request field; at the edge what would pass is only a client's word."""
    found: dict[str, str | None] = {}
    for name, field_name in _NAMES.items():
        operation = layer.operation(name)
        if operation == "overwrite" and name in _WRITES:
            found[field_name] = _WRITES[name]
        elif operation == "drop" or (operation == "pass" and is_edge):
            found[field_name] = None
    return found


def between(old: Front, new: Front) -> Front:
    """Return the front that suits the tasks of both releases, while both are there."""
    return replace(old, idle_timeout=min(old.idle_timeout, new.idle_timeout), slots=max(old.slots, new.slots))


def environ(release: Release, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a release's commands: as *given*, its own programs first."""
    found = without_marks(given)
    return {**found, "PATH": f"{Path(release.python).parent}:{found.get('PATH', os.defpath)}"}


def without_marks(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what was meant for this process alone."""
    return {name: value for name, value in given.items() if name not in {*_NOT_THEIRS, MARK}}


def keep_environ(paths: Paths, release: str, given: Mapping[str, str]) -> None:
    """Keep the environment for tasks that are started again later; nobody else may read it."""
    path = paths.environ(release)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(dict(given), file)


def start(paths: Paths, release: Release, name: str) -> Detached:
    """Start task *name* of a release; OSError where that cannot be."""
    given = json.loads(paths.environ(release.name).read_text())
    env = {**environ(release, given), "PYTHONUNBUFFERED": "1", MARK: mark(paths, name)}
    for path in (paths.socket(name), paths.admin(name)):
        path.unlink(missing_ok=True)
    binds = ["--bind", f"unix:{paths.socket(name)}", "--admin-bind", f"unix:{paths.admin(name)}"]
    argv = [release.python, "-P", "-m", "gunwale", *release.arguments, *binds]
    return detached.start(argv, log=paths.log(name), cwd=Path(release.directory), env=env)


def mark(paths: Paths, name: str) -> str:
    """Return the mark of task *name*."""
    return f"{paths.root}:{name}"
