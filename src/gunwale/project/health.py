"""Who asks whether a start is healthy: HEALTHCHECK, compose, Kubernetes' probes, ECS' check, Fly's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.containers import Pod, Task
from gunwale.project.expand import expand
from gunwale.project.readers.ecs_task import get
from gunwale.project.readers.fly import FlyApp
from gunwale.project.stopping import seconds

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.readers.dockerfile import Instruction
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

LIVENESS, READINESS, STARTUP = "livenessProbe", "readinessProbe", "startupProbe"
PROBES = (LIVENESS, READINESS, STARTUP)
HEALTHCHECK, COMPOSE, ECS, FLY = "HEALTHCHECK", "compose", "ecs", "fly"
_LOCAL = ("", "localhost", "127.0.0.1", "0.0.0.0", "[::1]")  # noqa: S104 - read in a URL
_URL = re.compile(
    r"https?://(?P<host>\[[^\]]*\]|[^\s/:'\"]*)(?::(?P<port>\d+))?(?P<path>/[^\s'\"?#|;)\\]*)?"
    r"|\b(?P<bare>localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(?P<bareport>\d+))?(?P<barepath>/[^\s'\"?#|;)\\]*)?"
)
# http.client: HTTPConnection(address).request("GET", path).
_HTTP_CLIENT = re.compile(r"\.request\(\s*['\"](?:GET|HEAD)['\"]\s*,\s*['\"](?P<path>/[^\s'\"?#]*)")
_HOST = re.compile(r"\bhost[\"']?\s*:", re.IGNORECASE)  # the field, as a command gives it
_FOLLOWING = re.compile(
    r"\burlopen\b|\brequests\.(?:get|head)\b|\bwget\b|\bcurl\b.*(?:--location\b|\s-[a-zA-Z]*L)"
)
# How each platform calls the numbers of a check, with its default in seconds (facts of each, 2026-11-22).
_TIMINGS: dict[str, dict[str, tuple[str, float]]] = {
    HEALTHCHECK: {
        "period": ("interval", 30),
        "timeout": ("timeout", 30),
        "start": ("start-period", 0),
        "retries": ("retries", 3),
    },
    COMPOSE: {
        "period": ("interval", 30),
        "timeout": ("timeout", 30),
        "start": ("start_period", 0),
        "retries": ("retries", 3),
    },
    ECS: {
        "period": ("interval", 30),
        "timeout": ("timeout", 5),
        "start": ("startPeriod", 0),
        "retries": ("retries", 3),
    },
    "probe": {
        "period": ("periodSeconds", 10),
        "timeout": ("timeoutSeconds", 1),
        "start": ("initialDelaySeconds", 0),
        "retries": ("failureThreshold", 3),
    },
}


class Request(NamedTuple):
    """What a check asks for: *host*, *port* ("" where it is not said), *path*."""

    host: str
    port: str
    path: str

    @property
    def is_local(self) -> bool:
        """Whether it asks where the check itself runs, or the pod."""
        return self.host in _LOCAL


class Check(NamedTuple):
    """One health check: its *command* as one text, where it stands, who runs it, and all it says as *node*.

    Of an image it is its *instruction* that says the rest.

    *by* is HEALTHCHECK, "compose", "ecs", "fly", or the name of a probe; of a probe that asks by HTTP the
    command is "GET URL".
    """

    command: str
    at: Place
    by: str
    node: Node | None = None
    instruction: Instruction | None = None

    @property
    def request(self) -> Request | None:
        """What it asks for by HTTP, where that can be read from the command."""
        match = _URL.search(self.command)
        if match is None:
            return None
        host, port = match["host"] or match["bare"] or "", match["port"] or match["bareport"] or ""
        asked = _HTTP_CLIENT.search(self.command)
        return Request(host, port, match["path"] or match["barepath"] or (asked["path"] if asked else "/"))

    @property
    def is_http_get(self) -> bool:
        """Whether the platform asks by itself, and runs no command in the container."""
        return self.command.startswith("GET ")

    @property
    def follows(self) -> bool:
        """Whether it goes on to where a redirect leads: kubelet does, curl only when told."""
        is_kubelets = self.is_http_get and self.by in PROBES
        return is_kubelets or _FOLLOWING.search(self.command) is not None

    @property
    def sent(self) -> str:
        """All that it says of its request: the command, the names and the values of a probe's fields."""
        fields = self.node.get("httpGet") if self.node is not None else None
        nodes = tuple(fields.walk()) if fields is not None else ()
        names = [key for each in nodes for key in each.entries]
        return " ".join([self.command, *names, *(each.text or "" for each in nodes)])

    @property
    def sends_host(self) -> bool:
        """Whether it says itself what Host it sends."""
        fields = self.node.get("httpGet", "httpHeaders") if self.node is not None else None
        found = [each.get("name") for each in (fields.elements if fields is not None else ())]
        names = [(each.text or "").lower() for each in found if each is not None]
        return "host" in names or _HOST.search(self.command) is not None


def checks(start: Start) -> tuple[Check, ...]:
    """Return what checks *start*; a check that is switched off is none."""
    image, service, platform = start.launch.image, start.launch.service, start.launch.platform
    if isinstance(platform, Pod):
        return _of_pod(platform)
    if isinstance(platform, FlyApp):
        return _of_fly(platform)
    if isinstance(platform, Task):  # ECS does not run the image's HEALTHCHECK
        return _of_task(platform)
    node = service.get("healthcheck") if service else None
    if node is not None and (node.get("test") is not None or node.get("disable") is not None):
        return _of_compose(node)
    return _of_image(image.healthcheck) if image and image.healthcheck else ()


def _of_compose(node: Node) -> tuple[Check, ...]:
    disabled, test = node.get("disable"), node.get("test")
    if (disabled is not None and disabled.scalar() is True) or (
        test is not None and test.texts() == ["NONE"]
    ):
        return ()
    return (Check(_command(test), (test or node).at, COMPOSE, node),)


def _of_image(instruction: Instruction) -> tuple[Check, ...]:
    value = instruction.value
    if value.upper() == "NONE":
        return ()
    command = value.removeprefix("CMD").strip()
    return (Check(command, instruction.at, HEALTHCHECK, instruction=instruction),)


def _of_pod(pod: Pod) -> tuple[Check, ...]:
    found = []
    for name in PROBES:
        node = pod.node.get(name)
        if node is not None:
            found.append(Check(_asked(node), pod.node.key_at(name), name, node))
    return tuple(found)


def _of_fly(app: FlyApp) -> tuple[Check, ...]:
    """Return what Fly asks: it runs no HEALTHCHECK of the image either."""
    port = f":{app.port.value}" if app.port is not None else ""
    return tuple(
        Check(f"GET http://{port}{each.value}" if each.value else "", each.at, FLY) for each in app.checks
    )


def _asked(probe: Node) -> str:
    asked = probe.get("httpGet")
    if asked is not None:
        host, port, path = (_text(asked, key) for key in ("host", "port", "path"))
        return f"GET http://{host}{f':{port}' if port.isdigit() else ''}{path or '/'}"
    return _command(probe.get("exec", "command"))


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return (found.text or "") if found else ""


def _of_task(task: Task) -> tuple[Check, ...]:
    node = get(task.node, "healthCheck")
    command = get(node, "command")
    if node is None or command is None or command.texts() == ["NONE"]:
        return ()
    return (Check(_command(command), node.at, ECS, node),)


def _command(node: Node | None) -> str:
    words = node.texts() if node is not None else []
    words = words[1:] if words[:1] in (["CMD"], ["CMD-SHELL"]) else words
    return expand(" ".join(words), {}).text


def timing(check: Check, name: str) -> float | None:
    """Return the seconds of a check's "period", "timeout", "start" or its "retries"; None: not known."""
    key, default = _TIMINGS[check.by if check.by in _TIMINGS else "probe"][name]
    if check.instruction is not None:
        said = check.instruction.flag(key)
        return default if said is None else seconds(said)
    if check.node is None:
        return None
    found = get(check.node, key)
    return default if found is None else seconds(expand(found.text or "", {}).text)
