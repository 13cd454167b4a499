"""The web process of a Procfile, as Heroku, Dokku and others start it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.readers.procfile import Procfile
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield the web process of every Procfile of production."""
    files = {each.path: each for each in project.of(Procfile)}
    for path in of_production(files):
        for process in files[path].processes:
            if process.name == "web":
                yield launch.Launch(
                    kind="procfile",
                    title=f"{path}: web",
                    at=process.at,
                    words=launch.shell(process.command, process.at),
                    directory=posixpath.dirname(path),
                )
