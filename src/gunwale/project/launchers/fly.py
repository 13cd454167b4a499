"""What fly.toml has started: its own command or the image's, with its environment."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project import image, launch
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.readers.fly import FlyApp
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield what each fly.toml of production starts; nothing where a builder makes the image."""
    files = {each.path: each for each in project.of(FlyApp)}
    for path in of_production(files):
        app = files[path]
        made = _image(project, app) if app.is_built else None
        if app.command is not None:
            words = launch.shell(app.command.value, app.command.at)
        elif made is not None:
            words = launch.of_image(made)
        else:
            continue
        yield launch.Launch(
            kind="fly",
            title=path,
            at=app.command.at if app.command is not None else app.at,
            words=words,
            environ=(dict(made.environ) if made else {}) | dict(app.environ),
            image=made,
            directory=posixpath.dirname(path),
            platform=app,
        )


def _image(project: Project, app: FlyApp) -> Image | None:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(app.path), app.dockerfile))
    dockerfile = project.one(Dockerfile, path) if path in project.tree else None
    return image.build(project, dockerfile, app.target, None) if dockerfile else None
