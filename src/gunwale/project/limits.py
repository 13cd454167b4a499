"""How many CPUs and how much memory a platform lets a start use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale import units
from gunwale.project.containers import Pod, Task
from gunwale.project.facts import Given
from gunwale.project.readers.ecs_task import get, text
from gunwale.project.readers.systemd import Unit

if TYPE_CHECKING:
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

_CPU = re.compile(r"(\d+(?:\.\d+)?)(m?)")
_UNITS = 1024  # of ECS, to a CPU


def cpu_limit(start: Start) -> float | None:
    """Return the CPUs that the platform allows *start*; None where it says none, or it is not known."""
    platform, service = start.launch.platform, start.launch.service
    if isinstance(platform, Pod):
        said = platform.node.get("resources", "limits", "cpu")
        return _number((said.text if said else "") or "")
    if isinstance(platform, Task):
        found = _number(text(platform.definition, "cpu"))
        return found / _UNITS if found else None
    for keys in (("deploy", "resources", "limits", "cpus"), ("cpus",)):
        limit = _number((service.text(*keys) if service else "") or "")
        if limit:
            return limit
    return None


def memory_limit(start: Start) -> Given[int] | None:
    """Return the bytes past which *start* is killed; None where nothing says so, or it is not known."""
    platform, service = start.launch.platform, start.launch.service
    if isinstance(platform, Pod):
        return _size(platform.node.get("resources", "limits", "memory"))
    if isinstance(platform, Task):  # in MiB
        return _size(get(platform.node, "memory"), "m") or _size(get(platform.definition, "memory"), "m")
    if isinstance(platform, Unit):
        said = platform.service.last("MemoryMax")
        return _given(said.value, said) if said is not None else None
    for keys in (("deploy", "resources", "limits", "memory"), ("mem_limit",)):
        found = _size(service.get(*keys)) if service else None
        if found is not None:
            return found
    return None


def _size(node: Node | None, unit: str = "") -> Given[int] | None:
    if node is None or node.text is None:
        return None
    return _given(node.text + (unit if node.text.isdecimal() else ""), Given(node.text, node.at))


def _given(text: str, said: Given[str]) -> Given[int] | None:
    try:
        return Given(units.size(text), said.at)
    except ValueError:
        return None


def _number(said: str) -> float | None:
    match = _CPU.fullmatch(said)
    return float(match[1]) / (1000 if match[2] else 1) if match else None
