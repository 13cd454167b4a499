"""The command that the rendered files start, and the question that tells whether it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import ConfigurationError, Problem
from gunwale.render.words import number

if TYPE_CHECKING:
    from gunwale.render.deployment import Deployment


class Address(NamedTuple):
    """A *host* (without brackets) and a *port* to listen on."""

    host: str
    port: int


def command(deployment: Deployment) -> list[str]:
    """Return the words that start the application in the foreground."""
    plan = deployment.plan
    if plan.app is None:
        # The loading of the plan has said why there is none.
        hint = 'write app = "module:variable" under [tool.gunwale]'
        raise ConfigurationError(Problem(where="app", message="nothing to serve was found", hint=hint))
    if plan.rollout.command == "gunwale":
        return ["gunwale", "serve"]
    return ["gunicorn", "-c", "gunicorn.conf.py", plan.app]


def address(text: str) -> Address | None:
    """Read "host:port"; None for "off" and for a Unix socket."""
    host, colon, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port)) if colon and port.isdigit() else None


def listener(deployment: Deployment) -> Address:
    """Return the first address with a port that the application listens on."""
    found = next(filter(None, map(address, deployment.plan.serve.bind)), None)
    if found is None:
        message = f"no address with a port in {', '.join(deployment.plan.serve.bind)}"
        raise ConfigurationError(Problem(where="serve.bind", message=message, hint='add "0.0.0.0:8000"'))
    return found


def health(deployment: Deployment, path: str) -> list[str]:
    """Return the words that ask *path* from beside the application: exit status 0 when it answers 200.

    No curl: a slim image has none. The admin port answers when every worker is busy; without gunwale's
    the application is asked, by a name it trusts.
    """
    plan = deployment.plan
    admin = address(plan.serve.admin_bind) if plan.rollout.command == "gunwale" else None
    port = (admin or listener(deployment)).port
    fields = "" if admin else f", headers={{'Host': {host(deployment)!r}}}"
    code = "; ".join(
        (
            "import http.client, sys",
            f"c = http.client.HTTPConnection('127.0.0.1:{port}', timeout={number(plan.health.timeout)})",
            f"c.request('GET', {path!r}{fields})",
            "sys.exit(c.getresponse().status != 200)",
        )
    )
    return ["python", "-I", "-c", code]


def host(deployment: Deployment) -> str:
    """Return a host name that the application answers to."""
    trusted = deployment.plan.security.trusted_hosts
    return trusted[0].removeprefix(".") if trusted else "localhost"
