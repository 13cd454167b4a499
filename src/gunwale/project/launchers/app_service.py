"""What Azure App Service starts: the command it is given, or the Flask application that it finds itself."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.programs import supplied
from gunwale.project.python.applications import applications
from gunwale.project.readers.app_service import AppService
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

# Where App Service looks for an object called app, in this order.
_FOUND = ("application.py", "app.py", "index.py", "server.py")


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield one launch; of several files one says it, and one with a command goes before the others."""
    files = {each.path: each for each in project.of(AppService)}
    kept = [files[path] for path in of_production(files)]
    site = next((each for each in kept if each.command is not None), kept[0] if kept else None)
    if site is None:
        return
    if site.command is not None:
        words = launch.shell(site.command.value, site.command.at)
    else:
        module = _module(project)
        if not module:
            return
        words = launch.given([supplied.GUNICORN, f"{module}:app"], site.at)
    yield launch.Launch(kind="platform", title=site.path, at=site.at, words=words)


def _module(project: Project) -> str:
    made = {each.file.path: each for each in project.derive(applications)}
    names = {posixpath.basename(path): path for path in made if path.count("/") < 2}
    return next((name.removesuffix(".py") for name in _FOUND if name in names), "")
