"""systemd: a service with the sandbox that a web service can have; for Gunicorn, its socket too."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING

from gunwale.render import start
from gunwale.render.artifact import Artifact
from gunwale.render.words import number, told, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.render.deployment import Deployment

PATHS = ("deploy/*.service", "deploy/*.socket")
NEEDS = ("host",)
_SANDBOX = """\
DynamicUser=yes
CapabilityBoundingSet=
NoNewPrivileges=yes
UMask=0027
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute: cffi and everything that compiles at run time would fail."""


def fits(deployment: Deployment) -> bool:
    """Whether the application runs on a host of its own."""
    return deployment.plan.rollout.platform in NEEDS


def render(deployment: Deployment) -> list[Artifact]:
    """Render the service, and the socket where the server takes one."""
    name = deployment.plan.name
    service = Artifact(
        target="systemd",
        path=f"deploy/{name}.service",
        body="\n".join([*_unit(deployment), *_service(deployment)]),
    )
    found = [service]
    for process, command in deployment.plan.rollout.processes.items():
        body = "\n".join(_process(deployment, process, command))
        found.append(Artifact(target="systemd", path=f"deploy/{name}-{process}.service", body=body))
    if deployment.plan.rollout.command == "gunicorn":
        body = "\n".join(_socket(deployment))
        found.append(Artifact(target="systemd", path=f"deploy/{name}.socket", body=body))
    return found


def _unit(deployment: Deployment) -> Iterator[str]:
    name = deployment.plan.name
    yield f"# The project lies in /srv/{name}, its packages in /srv/{name}/.venv."
    yield "[Unit]"
    yield f"Description={name}"
    yield "Wants=network-online.target"
    yield "After=network-online.target"
    if deployment.plan.rollout.command == "gunicorn":
        yield f"Requires={name}.socket"
    yield ""


def _service(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    home = f"/srv/{plan.name}"
    words = start.command(deployment)
    yield "[Service]"
    yield from told(deployment.because("rollout.command"))
    yield f"ExecStart={home}/.venv/bin/{' '.join(_quoted(word) for word in words)}"
    yield "Type=notify"
    if plan.rollout.command == "gunwale":
        yield "# No socket unit: a socket that systemd keeps open could not be handed to a new version."
        yield "# Answers with the reason, and the old version stays, when the new one does not start."
        yield f"ExecReload={home}/.venv/bin/gunwale reload"
    else:
        yield "ExecReload=kill -HUP $MAINPID"
    yield f"WorkingDirectory={home}"
    yield "Environment=PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1"
    yield "# Secrets, readable by root only: systemd reads the file, not the application."
    yield f"EnvironmentFile=-/etc/{plan.name}.env"
    yield from told(deployment.because("rollout.ready_timeout"))
    yield f"TimeoutStartSec={number(plan.rollout.ready_timeout)}"
    yield from told(deployment.stop_sum())
    yield f"TimeoutStopSec={number(plan.rollout.stop_timeout)}"
    yield "# SIGTERM to the first process only, which stops the others when their requests are done."
    yield "KillMode=mixed"
    yield "KillSignal=SIGTERM"
    yield "Restart=on-failure"
    if plan.rollout.command == "gunwale":
        yield "# 2 is a mistake in the configuration: starting again does not mend it."
        yield "RestartPreventExitStatus=2"
    yield from _limits(deployment)
    yield f"StateDirectory={plan.name}"
    yield f"RuntimeDirectory={plan.name}"
    yield _SANDBOX
    families = "AF_UNIX AF_INET AF_INET6"
    if plan.rollout.command == "gunwale":
        yield "# AF_NETLINK: sock_diag tells which connections still have something to say."
        families += " AF_NETLINK"
    yield f"RestrictAddressFamilies={families}"
    yield "# >>> yours: service"
    yield "# <<< yours: service"
    yield ""
    yield "[Install]"
    yield "WantedBy=multi-user.target"


def _process(deployment: Deployment, process: str, command: str) -> Iterator[str]:
    """Yield the unit of another process: the same sandbox, no readiness and no promise."""
    plan = deployment.plan
    home = f"/srv/{plan.name}"
    program, *words = shlex.split(command)
    yield "[Unit]"
    yield f"Description={plan.name}: {process}"
    yield "Wants=network-online.target"
    yield "After=network-online.target"
    yield ""
    yield "[Service]"
    yield "# rollout.processes: its connections belong into database.others."
    yield f"ExecStart={home}/.venv/bin/{' '.join(_quoted(word) for word in (program, *words))}"
    yield f"WorkingDirectory={home}"
    yield "Environment=PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1"
    yield f"EnvironmentFile=-/etc/{plan.name}.env"
    yield from told(deployment.because("rollout.stop_timeout"))
    yield f"TimeoutStopSec={number(plan.rollout.stop_timeout)}"
    yield "# SIGTERM to the first process only, which lets the others end their jobs."
    yield "KillMode=mixed"
    yield "Restart=on-failure"
    yield f"StateDirectory={plan.name}-{process}"
    yield f"RuntimeDirectory={plan.name}-{process}"
    yield _SANDBOX
    yield "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    yield "# >>> yours: service"
    yield "# <<< yours: service"
    yield ""
    yield "[Install]"
    yield "WantedBy=multi-user.target"


def _limits(deployment: Deployment) -> Iterator[str]:
    resources = deployment.plan.resources
    if deployment.is_set("resources.cpu"):
        yield from told(deployment.because("resources.cpu"))
        yield f"CPUQuota={math.ceil(100 * resources.cpu)}%"
    if deployment.is_set("resources.memory") and resources.memory is not None:
        yield from told(deployment.because("resources.memory"))
        yield f"MemoryMax={resources.memory}"


def _socket(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    yield "[Unit]"
    yield f"Description={plan.name}: its addresses, open while the service starts again"
    yield ""
    yield "[Socket]"
    yield from told(deployment.because("serve.bind"))
    for each in plan.serve.bind:
        yield f"ListenStream={each.removeprefix('unix:')}"
    yield from told(deployment.because("serve.backlog"))
    yield f"Backlog={whole(plan.serve.backlog)}"
    yield ""
    yield "[Install]"
    yield "WantedBy=sockets.target"


def _quoted(word: str) -> str:
    """Quote *word* for ExecStart: $ and % mean something there (systemd.service(5), Command lines)."""
    plain = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$")
    if plain == word and not set(word) & set(" \"';"):
        return word
    return '"' + plain.replace('"', '\\"') + '"'
