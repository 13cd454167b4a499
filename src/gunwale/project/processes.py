"""How many processes of the application run: workers of a server, and tasks of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

_FORKING = ("gunicorn", "uwsgi", "granian", "uvicorn", "hypercorn")


class Several(NamedTuple):
    """A start of which more than one process runs: where that is said, and *what* is."""

    start: Start
    at: Place
    what: str


def several(project: Project) -> Several | None:
    """Return the first start that is known to run in several processes, or None."""
    for start in project.derive(web_starts):
        server = start.server
        if server is None:
            continue
        count = workers(start)
        if count is not None and count > 1:
            return Several(start, server.setting_at("workers"), f"{server.name} runs {count} workers")
        running = tasks(start)
        if running is not None and running > 1 and start.launch.service is not None:
            service = start.launch.service
            node = service.get("deploy", "replicas") or service.get("scale")
            return Several(start, node.at if node else service.at, f"{running} tasks of it run")
    return None


def workers(start: Start) -> int | None:
    """Return the processes of one task; None where their number is not known."""
    server = start.server
    if server is None or server.name not in _FORKING:
        return 1
    count = server.number("workers", 1)
    return None if count is None else int(count)


def tasks(start: Start) -> int | None:
    """Return how many tasks a compose service runs; 1 where it does not say, None where that is not known."""
    service = start.launch.service
    for keys in (("deploy", "replicas"), ("scale",)):
        if service is not None and service.get(*keys) is not None:
            said = service.text(*keys) or ""
            return int(said) if said.isdecimal() else None
    return 1
