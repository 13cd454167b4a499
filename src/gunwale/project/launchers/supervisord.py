"""A program of supervisord on a machine; in an image, the command supervisord leads there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.facts import Given
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.readers.supervisord import Supervisord
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.syntax.ini import Section

_PAIR = re.compile(r"(\w+)=(?:\"([^\"]*)\"|'([^']*)'|([^,]*))")


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every program of every file of production that no image starts."""
    sources = [project.source(each.path) for each in project.of(Dockerfile)]
    if any(each is not None and "supervisor" in each.text for each in sources):
        return
    files = {each.path: each for each in project.of(Supervisord)}
    for path in of_production(files):
        for section in files[path].programs:
            command = section.last("command")
            if command is not None:
                yield launch.Launch(
                    kind="supervisord",
                    title=f"{path}: {section.name}",
                    at=command.at,
                    words=launch.of_lines(command),
                    environ=_environ(section),
                    platform=section,
                )


def _environ(section: Section) -> dict[str, Given[str]]:
    said = section.last("environment")
    if said is None:
        return {}
    return {m[1]: Given(m[2] or m[3] or m[4] or "", said.at) for m in _PAIR.finditer(said.value)}
