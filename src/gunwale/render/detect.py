"""What an existing project tells about its deployment, each value with its place. Nothing of it is run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import ConfigurationError
from gunwale.plan import app as applications
from gunwale.plan.gunicorn_options import SETTINGS as GUNICORN_SETTINGS
from gunwale.plan.model import SETTINGS
from gunwale.project.facts import Given
from gunwale.project.fronts import fronts
from gunwale.project.packages import SYSTEM, installed
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts
from gunwale.render import detect_app, packaging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.render.detect_app import Place

# The plan's own file stays what says these; a name or an address of one machine is no plan.
_LEFT = {"app", "name", "serve.bind"}
_READ_ANYWAY = "gunicorn.conf.py"
_MOST_UNREAD = 10
_POOL = {"pool_size": "database.pool_size", "max_overflow": "database.max_overflow"}
_QUEUES = {"celery": "Celery", "rq": "RQ", "huey": "Huey", "dramatiq": "Dramatiq"}
_PYTHON = re.compile(r"(?:.*/)?python:(3\.\d+)[.\w]*(?:-([a-z0-9.-]+))?(?:@.*)?")


class Value(NamedTuple):
    """A value of the plan, and where the project says it."""

    value: object
    place: str


@dataclass(slots=True)
class Detected:
    """What was concluded: *values* by key, *conflicts* and *unknown* as sentences, *notes* on the rest.

    *folder* is where the plan belongs: the application's project may lie below the directory asked about.
    """

    values: dict[str, Value] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folder: str = ""

    def take(self, places: list[Place]) -> None:
        """Take the one application that *places* agree on, with the folder that its project lies in."""
        different = {(each.app, each.folder): each for each in places}
        if len(different) == 1:
            (place,) = different.values()
            self.values["app"], self.folder = Value(place.app, place.why), place.folder
            return
        if len({each.folder for each in different.values()}) > 1:
            named = ", ".join(f"{each.folder or '.'} ({each.app}, {each.why})" for each in different.values())
            self.unknown.append(f"the application: several projects: {named}; say gunwale init FOLDER")
            return
        named = ", ".join(f"{each.app} ({each.why})" for each in different.values())
        self.conflicts.append(f"app: {named}")

    def settle(self, key: str, offers: list[Value]) -> None:
        """Take the one value that *offers* agree on, or name them all."""
        different = {repr(each.value): each for each in offers}
        if len(different) == 1:
            self.values[key] = offers[0]
        elif different:
            told = ", ".join(f"{each.value} ({each.place})" for each in different.values())
            self.conflicts.append(f"{key}: {told}")


def detect(directory: Path, project: Project, app: str | None, platform: str | None) -> Detected:
    """Conclude what can be concluded; *app* and *platform* are given by the user, if they are."""
    found = Detected()
    starts = project.derive(web_starts)
    _application(found, directory, project, app)
    name = re.sub(r"[^\w.-]+", "-", directory.resolve().name).strip("-") or "application"
    found.values["name"] = Value(name, "the directory's name")
    _platform(found, starts, platform)
    _server(found, starts)
    _python(found, starts)
    _system_packages(found, project, starts)
    _database(found, project)
    _packages(found, directory / found.folder)
    _front(found, project)
    found.unknown.append("the host names it answers to: declare security.trusted_hosts")
    unread = [f"not read: {each.why.removeprefix('not read: ')}" for each in project.not_checked]
    found.notes += unread[:_MOST_UNREAD]
    if len(unread) > _MOST_UNREAD:
        found.notes.append(f"not read: {len(unread) - _MOST_UNREAD} more")
    return found


def _application(found: Detected, directory: Path, project: Project, given: str | None) -> None:
    """Conclude the application, the strongest evidence first: who serves it, its source, who tries it out."""
    if given:
        found.values["app"] = Value(given, "--app")
        return
    told = detect_app.by_starts(directory, project)
    if told.places:
        found.take(told.places)
        return
    found.notes += told.notes
    read = applications.find(directory)
    if read.app is not None:
        found.values["app"] = Value(read.app, read.why.removeprefix("found in "))
        return
    if read.is_there:
        found.unknown.append(f"the application: {read.why}; give it with --app module:variable")
        return
    below = detect_app.by_development(directory, project) or detect_app.by_folders(directory)
    if below:
        found.take(below)
        return
    found.unknown.append(f"the application: {read.why}; give it with --app module:variable")
    found.notes += detect_app.hints(project)


def _platform(found: Detected, starts: tuple[Start, ...], given: str | None) -> None:
    if given:
        found.values["rollout.platform"] = Value(given, "--platform")
        return
    images = [start for start in starts if start.launch.image is not None]
    if images:
        found.values["rollout.platform"] = Value("docker", str(images[0].launch.at))
    else:
        found.unknown.append("where it runs: give --platform host, docker, ecs or kubernetes")


def _server(found: Detected, starts: tuple[Start, ...]) -> None:
    offers: dict[str, list[Value]] = {}
    for start in starts:
        server = start.server
        if server is None:
            continue
        if server.is_development:
            found.notes.append(f"{server.at}: {server.name} is a development server; the plan takes Gunicorn")
        elif server.name == "gunicorn":
            for name, given in server.settings.items():
                key = GUNICORN_SETTINGS.get(name)
                if key and key not in _LEFT and isinstance(given, Given):
                    _offer(offers, key, given)
        else:
            found.notes.append(f"{server.at}: its server is {server.name}; the plan takes Gunicorn")
    for key, values in offers.items():
        found.settle(key, values)


def _offer(offers: dict[str, list[Value]], key: str, given: Given[object]) -> None:
    if given.at.path.rpartition("/")[2] == _READ_ANYWAY:
        return  # the plan reads that file by itself, and a later change of it counts
    kind = SETTINGS[key].kind
    try:
        text = given.value
        value = kind.read(kind.from_text(text) if isinstance(text, str) else text)
    except ValueError:
        return
    offers.setdefault(key, []).append(Value(value, str(given.at)))


def _python(found: Detected, starts: tuple[Start, ...]) -> None:
    pythons, bases = [], []
    for start in starts:
        image = start.launch.image
        match = _PYTHON.fullmatch(image.base.value) if image is not None else None
        if image is not None and match:
            pythons.append(Value(match[1], str(image.base.at)))
            bases += [Value(match[2], str(image.base.at))] if match[2] else []
    found.settle("image.python", pythons)
    found.settle("image.base", bases)
    python = found.values.get("image.python")
    if python is not None and packaging.is_too_old(str(python.value)):
        found.notes.append(f"{python.place}: Python {python.value}: {packaging.TOO_OLD}")


def _system_packages(found: Detected, project: Project, starts: tuple[Start, ...]) -> None:
    """Say which there are: which of them are needed to run, and which to build, no file tells."""
    for image in dict.fromkeys(start.launch.image for start in starts if start.launch.image is not None):
        packages = [each for each in installed(project, image) if each.manager in SYSTEM]
        if packages:
            names = ", ".join(dict.fromkeys(each.name for each in packages))
            found.notes.append(
                f"{packages[0].at}: installs {names}: what is needed to run belongs into "
                "image.system_packages, to build into image.build_packages"
            )


def _front(found: Detected, project: Project) -> None:
    """Say which proxies the files show: whether these are all there are, no file tells."""
    shown = {f"{each.proxy} ({each.at})": None for front in project.derive(fronts) for each in front.chain}
    what = f"what stands in front beside {', '.join(shown)}" if shown else "what stands in front"
    found.unknown.append(f"{what}: declare proxies.chain, or measure it with gunwale hops")


def _database(found: Detected, project: Project) -> None:
    offers: dict[str, list[Value]] = {}
    queues: dict[str, str] = {}
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for key, value, line in _numbers(file.tree):
            offers.setdefault(_POOL[key], []).append(Value(value, f"{file.path}:{line}"))
        for module in file.imports.values():
            if (top := module.partition(".")[0]) in _QUEUES:
                queues.setdefault(_QUEUES[top], file.path)
    for key, values in offers.items():
        found.settle(key, values)
    for queue, path in queues.items():
        found.notes.append(
            f"{path}: {queue}: its connections belong into database.others, itself into rollout.processes"
        )


def _numbers(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Yield pool_size and max_overflow where they are plain numbers: in a call, or in a dictionary."""
    for node in ast.walk(tree):
        pairs: list[tuple[object, ast.expr | None]] = []
        if isinstance(node, ast.Call):
            pairs = [(each.arg, each.value) for each in node.keywords]
        elif isinstance(node, ast.Dict):
            keys = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]
            pairs = list(zip(keys, node.values, strict=True))
        for key, value in pairs:
            if (
                key in _POOL
                and isinstance(value, ast.Constant)
                and type(value.value) is int
                and value.value >= 0
            ):
                yield str(key), value.value, value.lineno


def _packages(found: Detected, directory: Path) -> None:
    try:
        held = packaging.find(directory)
    except ConfigurationError as error:
        found.unknown += [f"its packages: {each.message}" for each in error.problems]
        return
    found.notes.append(f"packages: {held.tool}, by {held.files[0]}")
    missing = [name for name in ("gunwale",) if not held.names(name)]
    found.notes += [f"{held.files[0]} does not name {name}, which an image has to hold" for name in missing]
