"""The CPU and memory this process may really use: affinity, cgroups, and the task's limits on ECS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.plan import cgroups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ECS_METADATA = "ECS_CONTAINER_METADATA_URI_V4"
_ECS_TIMEOUT_SECONDS = 1.0
_ECS_MAX_BYTES = 2**20
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """*cpu* in CPUs (0.5 is half of one), *memory* in bytes or None where no limit is known.

    *sources* tell what was read and what it said; *cpu_why* and *memory_why* which of them decided.
    *is_assumed*: nothing was read, as the plan is for another machine than this one.
    """

    cpu: float
    memory: int | None
    sources: tuple[str, ...] = ()
    cpu_why: str = ""
    memory_why: str = ""
    is_assumed: bool = False


def detect(
    root: Path = Path("/"),
    environ: Mapping[str, str] | None = None,
    affinity: int | None = None,
    fetch: Callable[[str], object] | None = None,
) -> Capacity:
    """Return the least of every limit that is visible from here, never from shares or weights.

    *environ* defaults to an empty one; *affinity* is the number of usable CPUs, by default this process's;
    *fetch* asks the ECS metadata endpoint.
    """
    cpus: list[tuple[float, str]] = [_affinity(affinity)]
    memories: list[tuple[int, str]] = list(_mem_total(root))
    notes: list[str] = []
    for limit in cgroups.limits(root):
        if limit.cpu is not None:
            cpus.append((limit.cpu, limit.source))
        if limit.memory is not None:
            memories.append((limit.memory, limit.source))
    uri = (environ or {}).get(ECS_METADATA)
    if uri:
        try:
            task = (fetch or fetch_json)(f"{uri}/task")
        except (OSError, ValueError) as error:
            notes.append(f"ECS task metadata: not read: {error}")
        else:
            _add_task_limits(task, cpus, memories)
    cpu, cpu_why = min(cpus, key=itemgetter(0))
    memory, memory_why = min(memories, key=itemgetter(0), default=(None, "no memory limit was found"))
    sources = [f"{why}: {value:g} CPUs" for value, why in cpus]
    sources += [f"{why}: {value / _MIB:.0f} MiB" for value, why in memories]
    return Capacity(
        cpu=cpu, memory=memory, sources=(*sources, *notes), cpu_why=cpu_why, memory_why=memory_why
    )


def _affinity(given: int | None) -> tuple[float, str]:
    if given is None and hasattr(os, "sched_getaffinity"):
        given = len(os.sched_getaffinity(0))
    if given is None:
        return float(os.cpu_count() or 1), "CPUs of the machine"
    return float(given), "CPU affinity"


def _mem_total(root: Path) -> list[tuple[int, str]]:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return []
    totals = [line.split() for line in lines if line.startswith("MemTotal:")]
    return [(int(words[1]) * 1024, "MemTotal of /proc/meminfo") for words in totals if len(words) > 1]


def _add_task_limits(task: object, cpus: list[tuple[float, str]], memories: list[tuple[int, str]]) -> None:
    # On Fargate the CPU limit is a quota of the task's cgroup, which the container cannot see: its own
    # says "max" (uber-go/automaxprocs#66). Container-level limits are shares and are not read.
    limits = task.get("Limits") if isinstance(task, dict) else None
    if not isinstance(limits, dict):
        return
    cpu, memory = limits.get("CPU"), limits.get("Memory")
    if isinstance(cpu, int | float) and cpu > 0:
        cpus.append((float(cpu), "ECS task metadata"))
    if isinstance(memory, int | float) and memory > 0:
        memories.append((int(memory * _MIB), "ECS task metadata"))


def fetch_json(url: str) -> object:
    """GET *url* (plain http) and decode its JSON; OSError or ValueError where that fails."""
    import http.client
    import json
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"not an http address: {url!r}")
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=_ECS_TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"status {response.status}")
        return json.loads(response.read(_ECS_MAX_BYTES))
    except http.client.HTTPException as error:
        raise ValueError(f"no HTTP answer: {error!r}") from error
    finally:
        connection.close()
