"""What stands between a container's PID 1 and its server, and keeps SIGTERM from it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from gunwale.project.model import Project
    from gunwale.project.start import Ancestor, Start

# Elsewhere the platform signals every process of the service: Heroku, systemd's control group.
_CONTAINERS = ("compose", "dockerfile", "kubernetes", "ecs", "cloudformation", "terraform", "fly")


def deaf(project: Project) -> tuple[tuple[Start, Ancestor], ...]:
    """Return each start of a container with the first process above its server that passes no signal on."""
    found = []
    for start in container_starts(project):
        deaf_one = next((each for each in start.ancestors if not each.passes_signals), None)
        if deaf_one is not None:
            found.append((start, deaf_one))
    return tuple(found)


def container_starts(project: Project) -> list[Start]:
    """Return the web starts of containers, but for those whose init signals the whole group."""
    return [
        start
        for start in project.derive(web_starts)
        if start.launch.kind in _CONTAINERS and not _signals_group(start)
    ]


def _signals_group(start: Start) -> bool:
    words = [each.value for each in start.launch.words]
    name = posixpath.basename(words[0]) if words else ""
    return (name == "dumb-init" and "--single-child" not in words and "-c" not in words[:2]) or (
        name == "tini" and any(word.startswith("-") and "g" in word for word in words[1:3])
    )
