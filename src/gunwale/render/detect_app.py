"""Where the application is: what starts it says so, else its source; and in which folder its project lies."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from gunwale.plan import app as applications
from gunwale.plan.model import SETTINGS
from gunwale.project.python.applications import applications as flask_objects
from gunwale.project.python.modules import find as find_module
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gunwale.project.model import Project
    from gunwale.project.start import Server, Start

_DEEPEST = 2  # folders below the one that init is asked about


class Place(NamedTuple):
    """An application *app* of the project in *folder* ("" is the one asked about), told by *why*."""

    app: str
    folder: str
    why: str


class Told(NamedTuple):
    """The *places* that are told, and *notes* on what was told and is none."""

    places: list[Place]
    notes: list[str]


def by_starts(directory: Path, project: Project) -> Told:
    """Return what the commands that serve name, each with the folder that its module is found from."""
    told = Told([], [])
    for start in project.derive(web_starts):
        server = start.server
        if server is None or server.is_development or not server.application:
            continue
        text = server.application if ":" in server.application else f"{server.application}:application"
        folder = _folder_of(directory, project, text, start) if _is_app(text) else None
        if folder is None:
            told.notes.append(f"{server.at}: {text}: its module is not found from the project's root")
        else:
            told.places.append(Place(text, folder, str(server.at)))
    return told


def by_development(directory: Path, project: Project) -> list[Place]:
    """Return what a development server runs: its application is the project's, it is not the server."""
    found: list[Place] = []
    for start in project.derive(web_starts):
        server = start.server
        if server is not None and server.is_development:
            found += _run_by(directory, project, server, start)
    return found


def by_folders(directory: Path) -> list[Place]:
    """Return the folders below that are a project with one application, by their source alone."""
    found = []
    for folder in _folders(directory, _DEEPEST):
        read = applications.find(directory / folder)
        if read.app is not None:
            found.append(Place(read.app, folder, f"{folder}/{read.why.removeprefix('found in ')}"))
    return found


def hints(project: Project) -> Iterator[str]:
    """Say where a Flask object is made, for whoever has to name the application."""
    for each in project.derive(flask_objects):
        made = (
            f"{each.factory}() makes one, which may need arguments" if each.factory else f"{each.name} is one"
        )
        folder = _import_root(project, each.file.path)
        yield f"{each.at}: {made}" + (f"; is {folder} the project's root?" if folder else "")


def _is_app(text: str) -> bool:
    try:
        SETTINGS["app"].kind.read(text)
    except ValueError:
        return False
    return True


def _folder_of(directory: Path, project: Project, app: str, start: Start) -> str | None:
    if applications.has_module(directory, app):
        return ""
    module = app.partition(":")[0]
    file = find_module(project, module, start.launch.at.path)
    if file is None:
        return None
    folder = _import_root(project, file.path)
    return folder if applications.has_module(directory / folder, app) else None


def _import_root(project: Project, path: str) -> str:
    """Return the folder from which the module at *path* is imported: the first that is no package."""
    folder = PurePosixPath(path).parent
    while str(folder) != "." and f"{folder}/__init__.py" in project.tree:
        folder = folder.parent
    found = "" if str(folder) == "." else str(folder)
    return found.removesuffix("/src") if found != "src" else ""


def _run_by(directory: Path, project: Project, server: Server, start: Start) -> Iterator[Place]:
    """Yield what *server* runs: the objects that its file makes, or what FLASK_APP names there."""
    given, at = server.application, str(server.at)
    if given.endswith(".py") and given in project.tree:
        folder, name = given.rpartition("/")[::2]
    else:
        image = start.launch.image
        folder, name = (image.context if image is not None else start.launch.directory), given or "app.py"
    folder = "" if folder == "." else folder
    read = applications.from_flask_app(directory / folder, name)
    if read.app is not None and applications.has_module(directory / folder, read.app):
        yield Place(read.app, folder, at)


def _folders(directory: Path, depth: int, above: str = "") -> Iterator[str]:
    """Yield the folders below *directory* that are no packages, and not for development only."""
    try:
        entries = sorted(each for each in (directory / above).iterdir() if each.is_dir())
    except OSError:
        return
    for each in entries:
        path = f"{above}/{each.name}" if above else each.name
        is_ours = not each.name.startswith(".") and each.name not in ("src", "node_modules", "venv")
        if not is_ours or each.is_symlink() or role(f"{path}/app.py") is Role.DEVELOPMENT:
            continue
        if not (each / "__init__.py").is_file():
            yield path
            if depth > 1:
                yield from _folders(directory, depth - 1, path)
