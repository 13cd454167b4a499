"""What serve refuses before anything listens (DESIGN.md §2.7), each with what, where and how to mend it."""

from __future__ import annotations

import ast
import errno
import importlib.util
import os
import socket
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.errors import Problem
from gunwale.serve.door import TcpDoor
from gunwale.serve.servers import discover

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PATH_LIMIT = 85  # sun_path has 108 bytes, and a new generation's private name is longer than the public one
_SKIPPED = {"tests", "test", "node_modules", "site-packages", "__pycache__"}
_TRUE = {"1", "true", "yes", "on", "t", "y"}


def configuration(
    plan: Mapping[str, Any], environ: Mapping[str, str], directory: Path, *, may_be_root: bool
) -> list[Problem]:
    """Find everything in the configuration that serve does not start with."""
    return [
        *_root(may_be_root=may_be_root),
        *_interfaces(plan),
        *_worker_class(plan),
        *_debug(environ),
        *_environment(plan, environ),
        *_proxy_fix(plan, directory),
    ]


def installation(plan: Mapping[str, Any]) -> list[Problem]:
    """Find what is not installed."""
    if importlib.util.find_spec(plan["serve.server"]) is None:
        server = plan["serve.server"]
        wanted = f"'gunwale[{server}]'" if discover()[server].TRAITS.is_extra else server
        hint = f"pip install {wanted} into the environment that gunwale runs in"
        return [Problem(where="serve.server", message=f"{server} is not installed", hint=hint)]
    return []


def addresses(plan: Mapping[str, Any]) -> tuple[list[Problem], list[Problem]]:
    """Try every address: the ones that are no address for us, and the ones that somebody else has."""
    wrong: list[Problem] = []
    taken: list[Problem] = []
    places = [("serve.bind", address) for address in plan["serve.bind"] if address not in plan["serve.held"]]
    places += [("serve.admin_bind", plan["serve.admin_bind"])] if plan["serve.admin_bind"] != "off" else []
    for setting, address in places:
        if address.startswith("unix:"):
            _try_path(setting, address, wrong, taken)
        else:
            _try_port(setting, address, wrong, taken)
    return wrong, taken


def _try_port(setting: str, address: str, wrong: list[Problem], taken: list[Problem]) -> None:
    option = "--bind" if setting == "serve.bind" else "--admin-bind"
    host, _, port = address.rpartition(":")
    try:
        # Without SO_REUSEPORT, which would let us share a port with whoever asks for it too.
        TcpDoor(host.strip("[]"), int(port), steers=False).admit(shared=False).close()
    except PermissionError:
        hint = (
            "ports below 1024 need privilege: bind 8000 and let the proxy have 80, or give it to this user "
            "(AmbientCapabilities=CAP_NET_BIND_SERVICE, or sysctl net.ipv4.ip_unprivileged_port_start)"
        )
        wrong.append(
            Problem(where=f"{setting} {address}", message="may not be bound by this user", hint=hint)
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = f"another process listens on port {port}: stop it, or give {option} another port"
            taken.append(Problem(where=f"{setting} {address}", message="is already in use", hint=hint))
        else:
            hint = f"give {option} an address of this machine, for example 127.0.0.1:{port}"
            message = f"cannot be bound ({error.strerror or error})"
            wrong.append(Problem(where=f"{setting} {address}", message=message, hint=hint))


def _try_path(setting: str, address: str, wrong: list[Problem], taken: list[Problem]) -> None:
    path = Path(address.removeprefix("unix:"))
    where = f"{setting} {address}"
    if len(os.fsencode(path)) > _PATH_LIMIT:
        hint = f"a Unix socket's path has at most {_PATH_LIMIT} bytes here: choose a shorter one"
        wrong.append(Problem(where=where, message="is too long", hint=hint))
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        hint = f"make the folder {path.parent}, writable for the user that serve runs as"
        wrong.append(Problem(where=where, message="its folder cannot be written", hint=hint))
    elif path.exists() and not path.is_socket():
        hint = "remove it, or give another path"
        wrong.append(Problem(where=where, message="is there already, and not a socket", hint=hint))
    elif path.exists():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0)
            if probe.connect_ex(str(path)) != errno.ECONNREFUSED:  # refused: a leftover, nobody listens
                hint = "another process listens on it: stop it, or give another path"
                taken.append(Problem(where=where, message="is already in use", hint=hint))


def _root(*, may_be_root: bool) -> Iterator[Problem]:
    if os.geteuid() != 0 or may_be_root:
        return
    hint = "run it as another user (USER in the Dockerfile, User= in the unit), or give --allow-root"
    yield Problem(where="user", message="serve does not run as root", hint=hint)


def is_mapped_root() -> bool:
    """Whether uid 0 here is an ordinary user outside (user_namespaces(7))."""
    try:
        inside, outside, _count = Path("/proc/self/uid_map").read_text().split()[:3]
    except (OSError, ValueError):
        return False
    return inside == "0" and outside != "0"


def _interfaces(plan: Mapping[str, Any]) -> Iterator[Problem]:
    networks = plan["proxies.networks"]
    local = plan["rollout.platform"] == "host" or (
        networks
        and networks != "any"
        and all(ip_network(network).is_loopback for network in networks if network != "any")
    )
    if not (plan["proxies.chain"] and local):
        return
    for address in plan["serve.bind"]:
        host = address.rpartition(":")[0].strip("[]")
        if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
            yield Problem(
                where="serve.bind",
                message=f"{address!r} lets clients go past the proxy on this machine",
                hint="bind 127.0.0.1 or a Unix socket, which only the proxy reaches",
            )


def _worker_class(plan: Mapping[str, Any]) -> Iterator[Problem]:
    name, server = plan["serve.worker_class"], discover()[plan["serve.server"]]
    classes = server.TRAITS.worker_classes
    found = list(server.refusals(plan)) if hasattr(server, "refusals") else []
    if name in classes or (server.TRAITS.own_classes and "." in name) or found:
        yield from found
        return
    near = get_close_matches(name, classes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(classes)}"
    message = f"{plan['serve.server']} has no worker class {name!r}"
    yield Problem(where="serve.worker_class", message=message, hint=hint)


def _debug(environ: Mapping[str, str]) -> Iterator[Problem]:
    value = environ.get("FLASK_DEBUG", "")
    if value.lower() in _TRUE:
        yield Problem(
            where="FLASK_DEBUG",
            message=f"is {value!r}: the debugger runs any client's code",
            hint="unset FLASK_DEBUG where the application is in production",
        )


def _environment(plan: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Problem]:
    for name in [*plan["environment.required"], *(plan["environment.secrets"] or {})]:
        if not environ.get(name):
            state = "is empty" if name in environ else "is not set"
            yield Problem(
                where=name,
                message=f"{state}, and the plan says the application needs it",
                hint=f"set {name}, or take it out of environment.required",
            )


def _proxy_fix(plan: Mapping[str, Any], directory: Path) -> Iterator[Problem]:
    if plan["proxies.hops"] is None or str(plan["app"]).startswith("gunwale."):  # gunwale echo
        return
    for path, line, text in find_proxy_fix(directory):
        yield Problem(
            where=f"{path}:{line}",
            message="ProxyFix and a declared proxies.chain would both read the forwarded fields",
            hint=f"delete this line: {text}",
        )


def find_proxy_fix(directory: Path) -> Iterator[tuple[Path, int, str]]:
    """Find the project's calls of Werkzeug's ProxyFix, by reading: (file, line, the line's text)."""
    for path in sorted(directory.rglob("*.py")):
        inside = path.relative_to(directory)
        if any(part.startswith(".") or part in _SKIPPED or "venv" in part for part in inside.parts):
            continue
        try:
            source = path.read_text(encoding="utf-8")
            if "ProxyFix" not in source:
                continue
            tree = ast.parse(source)
        except (OSError, ValueError, SyntaxError):
            continue
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if getattr(called, "id", getattr(called, "attr", None)) == "ProxyFix":
                line = getattr(node, "lineno", 0)
                yield inside, line, source.splitlines()[line - 1].strip()
