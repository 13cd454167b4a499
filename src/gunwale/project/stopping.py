"""How long a platform waits between SIGTERM and SIGKILL, and what of it the server has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.containers import Pod, Task
from gunwale.project.expand import expand
from gunwale.project.readers.ecs_task import get
from gunwale.project.readers.systemd import Unit

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

DOCKER, KUBERNETES, ECS, SYSTEMD = (
    10.0,
    30.0,
    30.0,
    90.0,
)  # seconds: their defaults (facts of each platform, 2026-11-22)
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001}
_SLEEP = re.compile(r"\bsleep\s+(\d+)")


class Grace(NamedTuple):
    """The seconds from SIGTERM to SIGKILL as *said* for a start, *at* None where it is the default.

    *held*: the seconds of them that pass before the server gets SIGTERM, and *held_at* who holds it.
    """

    name: str
    said: float
    at: Place | None
    held: float = 0
    held_at: Place | None = None

    @property
    def left(self) -> float:
        """What the server has of it."""
        return self.said - self.held


def grace(start: Start) -> Grace | None:
    """Return the grace period of *start*; None where its platform or its value is not known."""
    platform, service = start.launch.platform, start.launch.service
    if isinstance(platform, Pod):
        return _of_pod(platform)
    if isinstance(platform, Task):
        return _said("stopTimeout", get(platform.node, "stopTimeout"), ECS)
    if isinstance(platform, Unit):
        return _of_unit(platform)
    if service is not None:
        return _said("stop_grace_period", service.get("stop_grace_period"), DOCKER)
    return None


def seconds(text: str) -> float | None:
    """Return the seconds of a duration as compose and Go write it (1m30s), or of a plain number."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _said(name: str, node: Node | None, default: float) -> Grace | None:
    if node is None:
        return Grace(name, default, None)
    found = seconds(expand(node.text or "", {}).text)
    return Grace(name, found, node.at) if found is not None else None


def _of_unit(unit: Unit) -> Grace | None:
    said = unit.service.last("TimeoutStopSec") or unit.service.last("TimeoutSec")
    if said is None:
        return Grace("TimeoutStopSec", SYSTEMD, None)
    found = seconds(said.value.replace(" ", "").replace("sec", "s").replace("min", "m"))
    return Grace("TimeoutStopSec", found, said.at) if found is not None else None


def _of_pod(pod: Pod) -> Grace | None:
    found = _said("terminationGracePeriodSeconds", pod.spec.get("terminationGracePeriodSeconds"), KUBERNETES)
    hook = pod.node.get("lifecycle", "preStop")
    if found is None or hook is None:
        return found
    slept = hook.get("sleep", "seconds")
    command = hook.get("exec", "command")
    match = _SLEEP.search(" ".join(command.texts())) if command is not None else None
    held = slept.text if slept is not None and slept.text else (match[1] if match else "0")
    return found._replace(held=float(held) if held.isdigit() else 0, held_at=hook.at)
