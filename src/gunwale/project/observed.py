"""The plan that a deployment's files come to: what they give each key of it, in the plan's own terms.

Only what is known is here; a value that the environment may change, or that no file gives, is not.
"""

from __future__ import annotations

import math
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale import units
from gunwale.project.base import Reference
from gunwale.project.containers import Pod, Task
from gunwale.project.facts import Given
from gunwale.project.gunicorn_workers import worker_class
from gunwale.project.limits import cpu_limit, memory_limit
from gunwale.project.processes import tasks
from gunwale.project.readers.ecs_task import get
from gunwale.project.stopping import grace
from gunwale.project.target_groups import behind, target_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Server, Start
    from gunwale.project.syntax.yaml import Node

# Settings by Gunicorn's names that are one number, or one word, in the plan too.
_NUMBERS = {
    "workers": "serve.workers",
    "threads": "serve.threads",
    "timeout": "serve.request_timeout",
    "graceful_timeout": "serve.drain_timeout",
    "keepalive": "serve.keepalive",
    "max_requests": "serve.max_requests",
    "max_requests_jitter": "serve.max_requests_jitter",
    "backlog": "serve.backlog",
}
_WORDS = {"proc_name": "name", "loglevel": "serve.log_level"}
_WIDTH = 34  # of a value: a message has room for two
_EVERY = ("", "0.0.0.0", "*", "[::]", "::")  # noqa: S104 - compared, not bound
_PYTHON = re.compile(r"(3\.\d+)(?:\.\d+)?(?:-(?P<base>[a-z][\w.-]*))?")
# The launchers of each platform of the plan: what another one is told is no business of this plan.
KINDS = {
    "docker": ("compose", "dockerfile"),
    "ecs": ("ecs", "terraform", "dockerfile"),
    "kubernetes": ("kubernetes", "dockerfile"),
    "host": ("systemd", "supervisord", "script", "procfile"),
}


class Observed(NamedTuple):
    """What the files give a *key* of the plan: the *value*, and where."""

    key: str
    value: object
    at: Place


def observed(project: Project, start: Start) -> Iterator[Observed]:
    """Yield what the files say of the server, the image and the platform of *start*."""
    if start.server is not None and start.server.name in ("gunicorn", "gunwale"):
        yield from _of_server(start.server)
    yield from _of_image(start)
    yield from _of_platform(project, start)


def _of_server(server: Server) -> Iterator[Observed]:
    if server.application:
        yield Observed("app", re.sub(r"\s", "", server.application), server.at)
    for name, given in server.settings.items():
        found = _of_setting(server, name, given) if isinstance(given, Given) and not given.variables else None
        if found is not None:
            yield found
    said, chosen = server.settings.get("worker_class"), worker_class(server)
    # sync with threads is gthread by another name, so that either is meant.
    if isinstance(said, Given) and not said.variables and said.value == chosen:
        yield Observed("serve.worker_class", chosen, server.setting_at("worker_class"))


def _of_setting(server: Server, name: str, given: Given[object]) -> Observed | None:
    value = given.value
    if name in _NUMBERS:
        number = server.number(name, math.nan)
        is_known = number is not None and not math.isnan(number)
        return Observed(_NUMBERS[name], number, given.at) if is_known else None
    if name in _WORDS:
        return Observed(_WORDS[name], str(value), given.at)
    if name == "bind":
        several = value if isinstance(value, list | tuple) else str(value).split(",")
        return Observed("serve.bind", addresses([str(each) for each in several]), given.at)
    if name == "preload_app" and isinstance(value, bool):
        return Observed("serve.preload", value, given.at)
    if name == "accesslog":
        return Observed("serve.access_log", value not in (None, "", "off"), given.at)
    return None


def addresses(several: list[str]) -> frozenset[str]:
    """Return addresses so that two ways to write one are the same."""
    return frozenset(_address(each.strip().removeprefix("tcp://")) for each in several if each.strip())


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or text.startswith(("unix:", "/")):
        return text
    return f"*:{port}" if host in _EVERY else f"{host}:{port}"


def _of_image(start: Start) -> Iterator[Observed]:
    image = start.launch.image
    if image is None:
        return
    user = _user(start)
    if user is not None:
        yield Observed("image.uid", int(user.value), user.at)
    reference = Reference.of(image.base.value)
    match = _PYTHON.fullmatch(reference.tag)
    if reference.name == "python" and match is not None:
        yield Observed("image.python", match[1], image.base.at)
        yield Observed("image.base", match["base"] or "", image.base.at)


def _user(start: Start) -> Given[str] | None:
    """Return the number of the user: the platform's, or the image's; None for a name, which tells none."""
    platform, service, image = start.launch.platform, start.launch.service, start.launch.image
    nodes: list[Node | None] = []
    if isinstance(platform, Pod):
        nodes = [each.get("securityContext", "runAsUser") for each in (platform.node, platform.spec)]
    elif isinstance(platform, Task):
        nodes = [get(platform.node, "user")]
    elif service is not None:
        nodes = [service.get("user")]
    said = [Given(each.text or "", each.at) for each in nodes if each is not None]
    if image is not None and image.user is not None:
        said.append(Given(image.user.value, image.user.at))
    number = said[0].value.partition(":")[0] if said else ""
    return Given(number, said[0].at) if number.isdecimal() else None


def _of_platform(project: Project, start: Start) -> Iterator[Observed]:
    cpu, memory, limit = cpu_limit(start), memory_limit(start), grace(start)
    at = start.launch.at
    if cpu is not None:
        yield Observed("resources.cpu", cpu, at)
    if memory is not None:
        yield Observed("resources.memory", memory.value, memory.at)
    if limit is not None:
        yield Observed("rollout.stop_timeout", limit.said, limit.at or at)
    running = _tasks(start)
    if running is not None:
        yield running
    for group in project.derive(target_groups):
        delay = group.delay
        if delay is not None and (delay.text or "").isdecimal() and behind(project, group) is start:
            yield Observed("rollout.deregistration_delay", float(delay.text or 0), delay.at)


def _tasks(start: Start) -> Observed | None:
    platform, service = start.launch.platform, start.launch.service
    if isinstance(platform, Pod):
        node = platform.controller.node.get("spec", "replicas")
        if node is not None and (node.text or "").isdecimal():
            return Observed("rollout.tasks", int(node.text or 0), node.at)
        return None
    node = (service.get("deploy", "replicas") or service.get("scale")) if service is not None else None
    count = tasks(start)
    return Observed("rollout.tasks", count, node.at) if node is not None and count is not None else None


def directory(start: Start) -> str:
    """Return where the files of *start* lie, from the project's root."""
    image = start.launch.image
    return image.context if image is not None else posixpath.dirname(start.launch.at.path)


def shown(value: object) -> str:
    """Write an observed or planned value for people, in a few words; a factory's arguments are left out."""
    text = re.sub(r"\(.+\)", "(…)", _written(value))
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}={number}" for name, number in value.items())
    return str(value)


def size(value: object) -> str:
    """Write a size for people."""
    return units.show_size(int(str(value)))
