"""The start path: from what a deployment runs, through scripts and modules, to server and application.

Every finding can be judged by it. Where it cannot be known, `Start.outcome` is Unknown, with the reason.
"""

from __future__ import annotations

import importlib
import pkgutil
import posixpath
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from gunwale.project import launch, launchers, programs
from gunwale.project.facts import Given, Place, Unknown
from gunwale.project.image import build
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from gunwale.project.image import Image
    from gunwale.project.launch import Launch, Words
    from gunwale.project.model import Project

_ALONE = "dockerfile"  # the launcher of an image's own command
_COMPOSE = "compose"
_LONGEST = 12  # programs one after another; a path that is longer goes in circles
# Official images whose own command serves no Python application.
_OTHER_BASES = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:nginx|nginxinc/[\w-]+|postgres|postgis/postgis|mysql|mariadb|redis|mongo|node|"
    r"httpd|traefik|caddy|haproxy|rabbitmq|memcached|elasticsearch|python|debian|ubuntu|alpine|busybox)(?:[:@].*)?"
)
# Base images that bring a server and start it on what is copied to /app.
_SERVING_BASES = re.compile(r"(?:.*/)?((?:uwsgi-nginx|meinheld-gunicorn)(?:-flask)?)(?:[:@].*)?")
_VERSIONED = re.compile(r"(python|pip)\d[\d.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The process that answers requests.

    *name*: "gunicorn", "werkzeug", "waitress", …; *application*: as the server is told it, "" if it is not;
    *settings* by Gunicorn's names ("workers", "bind", "accesslog", …) where a server has the like: what is
    given only, so an absent one has the server's default. *is_development*: Werkzeug's.
    """

    name: str
    at: Place
    application: str = ""
    settings: Mapping[str, Given[object] | Unknown] = field(default_factory=dict)
    is_development: bool = False
    words: tuple[str, ...] = ()

    def number(self, name: str, default: float) -> float | None:
        """Return the number given for a setting, *default* where none is, None where it is unknown."""
        found = self.settings.get(name)
        if found is None:
            return default
        try:
            return float(str(found.value)) if isinstance(found, Given) else None
        except ValueError:
            return None

    def setting_at(self, name: str) -> Place:
        """Return where a setting is given, or the server's own place."""
        found = self.settings.get(name)
        return found.at if isinstance(found, Given) else self.at


@dataclass(frozen=True, slots=True)
class NotWeb:
    """A start that ends in something else: a worker of a queue, a database, a shell."""

    name: str


Outcome = Server | NotWeb | Unknown


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path, as it is printed: its place and what runs there."""

    at: Place
    text: str


class Kind(StrEnum):
    """What stays above a server."""

    LINE = "line"  # a shell that runs a -c line
    SCRIPT = "script"  # a shell that runs a file
    BACKGROUND = "background"  # a shell that started the server with "&"
    CODE = "code"  # a Python program that starts it as a child
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A process that stays above the server: what it is, where it is started, whether signals pass it on."""

    text: str
    at: Place
    passes_signals: bool = False
    kind: Kind = Kind.PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One launch and where it ends. *ancestors*: what stays above the server, PID 1 first."""

    launch: Launch
    outcome: Outcome
    steps: tuple[Step, ...]
    ancestors: tuple[Ancestor, ...]
    environ: Mapping[str, Given[str]]

    @property
    def server(self) -> Server | None:
        """The server, where the path ends in one."""
        return self.outcome if isinstance(self.outcome, Server) else None


@dataclass(frozen=True, slots=True)
class Call:
    """A command on the path: its *words*, where it is called, and the environment it has by then."""

    words: Words
    at: Place
    environ: Mapping[str, Given[str]]
    arguments: Words = ()  # what "$@" means in a script

    @property
    def texts(self) -> list[str]:
        """The words alone."""
        return [each.value for each in self.words]

    @property
    def program(self) -> str:
        """The program's name, without directories or a version."""
        name = posixpath.basename(self.words[0].value) if self.words else ""
        match = _VERSIONED.fullmatch(name)
        return match[1] if match else name

    def with_words(self, words: Words, **changes: Any) -> Call:
        """Return the same call with other words."""
        return replace(self, words=words, at=words[0].at if words else self.at, **changes)


class Path:
    """One path while it is followed."""

    def __init__(self, project: Project, launch: Launch) -> None:
        self.project, self.launch = project, launch
        self.steps: list[Step] = []
        self.ancestors: list[Ancestor] = []
        self.environ: Mapping[str, Given[str]] = launch.environ
        self.depth = 0

    def branch(self) -> Path:
        """Return a path that has come as far as this one, to try where one of several commands leads."""
        other = Path(self.project, self.launch)
        other.steps, other.ancestors, other.depth = list(self.steps), list(self.ancestors), self.depth
        return other

    def take(self, other: Path) -> None:
        """Go the way that *other* went."""
        self.steps, self.ancestors, self.environ = other.steps, other.ancestors, other.environ

    def follow(self, call: Call, *, is_step: bool = True) -> Outcome:
        """Follow *call* to its end; *is_step*: it is one that people see."""
        if not call.words:
            return self._nothing()
        self.depth += 1
        if self.depth > _LONGEST:
            return Unknown("the start path goes in circles")
        self.environ = call.environ
        shown = " ".join(call.texts)
        if is_step and (not self.steps or self.steps[-1] != Step(call.at, shown)):
            self.steps.append(Step(call.at, shown))
        module = known_programs().get(call.program)
        if module is None:
            module = known_programs()["*"]
        return _outcome(module.follow(call, self))

    def stays(self, text: str, at: Place, *, passes_signals: bool = False, kind: Kind = Kind.PROGRAM) -> None:
        """Say that a process stays above what follows."""
        self.ancestors.append(Ancestor(text, at, passes_signals, kind))

    def find_file(self, word: str) -> str | None:
        """Return the project's file that the path *word* means where this is started."""
        image = self.launch.image
        if image is not None:
            found = image.find(self.project, word)
            if found is not None:
                return found
            return self._unique(word) if word.startswith("/") or "/" not in word else None
        path = posixpath.normpath(posixpath.join(self.launch.directory, word))
        return path if path in self.project.tree else self._unique(word)

    def _nothing(self) -> Outcome:
        image = self.launch.image
        if image is None:
            return Unknown("nothing is started")
        if _OTHER_BASES.fullmatch(image.base.value):
            return NotWeb(image.base.value)
        serving = _SERVING_BASES.fullmatch(image.base.value)
        if serving is not None:
            unknown = Unknown("the base image sets it")
            settings = dict.fromkeys(("workers", "bind", "accesslog", "timeout", "user"), unknown)
            name = "gunicorn" if "gunicorn" in serving[1] else "uwsgi"
            return Server(name=name, at=image.base.at, settings=settings, words=(name,))
        return Unknown(f"it is started by the command of its base image, {image.base.value}")

    def _unique(self, word: str) -> str | None:
        """Return the one file of production of that name, where the place itself does not tell."""
        name = posixpath.basename(word)
        found = [
            p
            for p in self.project.tree.files
            if posixpath.basename(p) == name and role(p) is not Role.DEVELOPMENT
        ]
        return found[0] if len(found) == 1 else None


def _outcome(found: object) -> Outcome:
    assert isinstance(found, Server | NotWeb | Unknown)
    return found


@cache
def known_programs() -> dict[str, ModuleType]:
    """Return the module of each program by its command's name; "*" follows what has no module of its own."""
    found: dict[str, ModuleType] = {}
    for each in sorted(module.name for module in pkgutil.iter_modules(programs.__path__)):
        module = importlib.import_module(f"{programs.__name__}.{each}")
        found |= dict.fromkeys(module.NAMES, module)
    return found


def starts(project: Project) -> tuple[Start, ...]:
    """Return where every launch of production ends."""
    known = sorted(module.name for module in pkgutil.iter_modules(launchers.__path__))
    modules = [importlib.import_module(f"{launchers.__name__}.{each}") for each in known]
    found: list[Launch] = []
    for module in sorted(modules, key=lambda each: getattr(each, "IS_LAST", False)):
        if not (found and getattr(module, "IS_LAST", False)):
            found += module.launches(project)
    resolved = _shipped(project, [_resolve(project, each) for each in _placed(found)])
    # A worker of the same image does not start what the image starts by itself.
    served = [each.launch for each in resolved if each.server is not None]
    return tuple(
        each for each in resolved if each.launch.kind != _ALONE or not _is_placed(each.launch, served)
    )


def _is_placed(launch: Launch, others: list[Launch]) -> bool:
    return any(each.kind != _ALONE and _stage(each) == _stage(launch) for each in others)


def _placed(launches: list[Launch]) -> list[Launch]:
    """Leave out an image by itself that a platform starts, and what is there twice."""
    placed = {_stage(each) for each in launches if each.kind != _ALONE}
    kept = [each for each in launches if each.kind != _ALONE or _stage(each) not in placed]
    return list({(each.title, each.at): each for each in kept}.values())


def _shipped(project: Project, found: list[Start]) -> list[Start]:
    """Put the image by itself in, where a compose file runs it for development only.

    So it does with the development server, or with none, in place of the real one of the Dockerfile.
    """
    lent: dict[tuple[str, str], list[Start]] = {}
    for each in found:
        if each.launch.kind == _COMPOSE and each.launch.image is not None:
            lent.setdefault((each.launch.image.dockerfile.path, each.launch.at.path), []).append(each)
    kept = list(found)
    for (path, _), several in lent.items():
        image = several[0].launch.image
        if image is None or any(_is_open(each) for each in several):
            continue
        whole = build(project, image.dockerfile, None, image.context)
        alone = _resolve(project, launch.alone(whole, path)) if whole is not None else None
        if alone is not None and alone.server is not None and not alone.server.is_development:
            kept = [each for each in kept if each not in several or each.server is None] + [alone]
    return kept


def _is_open(start: Start) -> bool:
    """Whether it is a real server, or may be one."""
    server = start.server
    return isinstance(start.outcome, Unknown) or (server is not None and not server.is_development)


def _stage(launch: Launch) -> tuple[str, int] | None:
    image = launch.image
    return (image.dockerfile.path, image.stage.index) if image else None


def web_starts(project: Project) -> tuple[Start, ...]:
    """Return the starts that end in a server; each rule about the process asks these."""
    return tuple(start for start in project.derive(starts) if start.server is not None)


def images(project: Project) -> tuple[tuple[Image, tuple[Start, ...]], ...]:
    """Return each image that a server is started from, with its starts: for rules about images."""
    found: dict[tuple[str, int], list[Start]] = {}
    for start in project.derive(web_starts):
        image = start.launch.image
        if image is not None:
            found.setdefault((image.dockerfile.path, image.stage.index), []).append(start)
    return tuple((image, tuple(several)) for several in found.values() if (image := several[0].launch.image))


def _resolve(project: Project, launch: Launch) -> Start:
    path = Path(project, launch)
    at = launch.words[0].at if launch.words else launch.at
    outcome = path.follow(Call(launch.words, at, launch.environ))
    if isinstance(outcome, Unknown):
        project.leave_unchecked("start", f"{launch.at}: {launch.title}: {outcome.why}")
    return Start(
        launch=launch,
        outcome=outcome,
        steps=tuple(path.steps),
        ancestors=tuple(path.ancestors),
        environ=path.environ,
    )
