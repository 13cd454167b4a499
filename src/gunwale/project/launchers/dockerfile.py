"""An image started by its own ENTRYPOINT and CMD, where no compose file of production starts it otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project import image, launch
from gunwale.project.readers.compose import Compose
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every Dockerfile of production that no service of production builds."""
    composes = project.of(Compose)
    kept = of_production(each.path for each in composes)
    built = {
        service.build.dockerfile
        for each in composes
        if each.path in kept
        for service in each.services
        if service.build
    }
    files = {each.path: each for each in project.of(Dockerfile)}
    for path in of_production(files):
        if path in built:
            continue
        made = image.build(project, files[path], None, None)
        if made is not None:
            yield launch.alone(made, path)
