"""A service unit of systemd."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.facts import Given
from gunwale.project.readers.environment_file import EnvironmentFile
from gunwale.project.readers.systemd import Unit
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

_PREFIXES = "-@:+!|"  # of ExecStart: how the path is to be taken, no part of it


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every unit of production; what drives containers starts nothing of the project."""
    files = {each.path: each for each in project.of(Unit)}
    for path in of_production(files):
        command = files[path].service.last("ExecStart")
        words = launch.split(command.value.lstrip(_PREFIXES)) if command else []
        if (
            command is None
            or not words
            or posixpath.basename(words[0]) in ("docker", "docker-compose", "podman")
        ):
            continue
        yield launch.Launch(
            kind="systemd",
            title=path,
            at=command.at,
            words=launch.given(words, command.at),
            environ=_environ(project, files[path]),
            platform=files[path],
        )


def _environ(project: Project, unit: Unit) -> dict[str, Given[str]]:
    environ: dict[str, Given[str]] = {}
    for each in unit.service.all("EnvironmentFile"):
        name = posixpath.basename(each.value.lstrip("-"))
        path = posixpath.join(posixpath.dirname(unit.path), name)
        file = project.one(EnvironmentFile, path) if path in project.tree else None
        environ |= file.values if file else {}
    for each in unit.service.all("Environment"):
        for word in launch.split(each.value):
            name, equals, value = word.partition("=")
            if equals:
                environ[name] = Given(value, each.at)
    return environ
