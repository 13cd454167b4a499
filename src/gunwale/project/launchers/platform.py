"""A platform that reads a file of its own: its command, or the server that the platform brings."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project import image, launch
from gunwale.project.programs import supplied
from gunwale.project.python.applications import applications
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.readers.elastic_beanstalk import Options
from gunwale.project.readers.platform_file import PlatformFile
from gunwale.project.readers.procfile import Procfile
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.readers.platform_file import Process

KIND = "platform"


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield what each file of a platform starts."""
    files = {each.path: each for each in project.of(PlatformFile)}
    for path in of_production(files):
        for process in files[path].processes:
            yield _launch(project, path, process)
    yield from _elastic_beanstalk(project)


def _launch(project: Project, path: str, process: Process) -> launch.Launch:
    folder = posixpath.dirname(path)
    made = _image(project, folder) if process.in_image else None
    if process.command is not None:
        words = launch.shell(process.command.value, process.at)
    elif process.application:
        words = launch.given([supplied.OWN, process.application], process.at)
    else:
        words = launch.given([supplied.GUNICORN, "main:app"], process.at)
    return launch.Launch(
        kind=KIND,
        title=path,
        at=process.at,
        words=words,
        environ=(dict(made.environ) if made else {}) | dict(process.environ),
        image=made,
        directory=folder,
    )


def _image(project: Project, folder: str) -> Image | None:
    dockerfile = project.one(Dockerfile, posixpath.join(folder, "Dockerfile"))
    return image.build(project, dockerfile, None, None) if dockerfile else None


def _elastic_beanstalk(project: Project) -> Iterator[launch.Launch]:
    """Yield what Elastic Beanstalk starts where no Procfile says other: application:application."""
    options = project.of(Options)
    if not options or project.of(Procfile) or any(not each.is_python for each in options):
        return
    names = {each.file.path.rpartition("/")[2] for each in project.derive(applications)}
    if "application.py" not in names:
        return
    environ = {name: given for each in options for name, given in each.environ.items()}
    path = next((each.path for each in options), "")
    words = launch.given([supplied.GUNICORN, "application:application"], options[0].at)
    yield launch.Launch(kind=KIND, title=path, at=options[0].at, words=words, environ=environ)
