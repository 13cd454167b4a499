"""The command that the README gives, where no file of the project starts anything.

Where a real server is told of, that is the one for production; else there is the development server's alone.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.installed import brings_server, nearest
from gunwale.project.python.applications import applications
from gunwale.project.readers.readme import Readme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Given
    from gunwale.project.model import Project

IS_LAST = 2  # asked only where the other launchers find nothing, those too that are asked last
_SERVING = re.compile(r"(?:\S+/)?(?:gunicorn|waitress-serve|uwsgi|granian|uvicorn|hypercorn|gunwale)")
_ASSIGNMENT = re.compile(r"(?:export|set|setenv)\s+(\w+)=\s*(\S+)")
_WRAPPERS = (("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("python", "-m"), ("python3", "-m"))


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield the first command for production, or that of the development server."""
    if not project.derive(applications):
        return
    found = [each for file in project.of(Readme) for each in _of(project, file)]
    real = [each for each in found if _SERVING.fullmatch(_program(each))]
    if real:
        yield real[0]
    # Whoever has a server installed has another way, which is not known.
    elif found and nearest(project, "flask", "") is not None and not brings_server(project):
        yield found[0]


def _of(project: Project, file: Readme) -> Iterator[launch.Launch]:
    environ: dict[str, Given[str]] = {}
    directory = ""
    for each in file.commands:
        words = launch.split(each.text)
        given = _ASSIGNMENT.match(each.text)
        if given is not None:
            environ[given[1]] = launch.given([given[2]], each.at)[0]
        elif len(words) == 2 and words[0] == "cd":
            there = posixpath.normpath(posixpath.join(directory, words[1]))
            directory = there if project.tree.is_folder(there) else directory
        else:
            made = launch.Launch(
                kind="documented",
                title=f"{file.path}: {each.text}",
                at=each.at,
                words=launch.given(words, each.at),
                environ=dict(environ),
                directory=directory,
            )
            if _is_start(project, made):
                yield made


def _is_start(project: Project, made: launch.Launch) -> bool:
    """Whether it starts a server, or a module of the project."""
    name = _program(made)
    rest = [word.value for word in made.words]
    if _SERVING.fullmatch(name):
        return len(made.words) > 1
    if name == "flask":
        return "run" in rest[rest.index(next(word for word in rest if word.endswith("flask"))) :]
    if name in ("python", "python3"):
        files = [word for word in rest if word.endswith(".py")]
        return any(posixpath.normpath(posixpath.join(made.directory, word)) in project.tree for word in files)
    return False


def _program(made: launch.Launch) -> str:
    words = [word.value for word in made.words if "=" not in word.value]
    while len(words) > 2 and tuple(words[:2]) in _WRAPPERS:
        words = words[2:]
    name = posixpath.basename(words[0]) if words else ""
    return "python" if len(words) > 1 and name.endswith(".py") else name
