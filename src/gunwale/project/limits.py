"""How many CPUs a platform lets a start use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.containers import Pod, Task
from gunwale.project.readers.ecs_task import text

if TYPE_CHECKING:
    from gunwale.project.start_path import Start

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


def _number(said: str) -> float | None:
    match = _CPU.fullmatch(said)
    return float(match[1]) / (1000 if match[2] else 1) if match else None
