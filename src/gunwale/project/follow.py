"""From one command to its end: through scripts, wrappers and modules to the server, or to what is none."""

from __future__ import annotations

import importlib
import pkgutil
import posixpath
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from gunwale.project import programs
from gunwale.project.facts import Place, Unknown
from gunwale.project.roles import Role, role
from gunwale.project.start import Ancestor, Kind, NotWeb, Server, Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from gunwale.project.facts import Given
    from gunwale.project.launch import Launch, Words
    from gunwale.project.model import Project
    from gunwale.project.start import Outcome

_LONGEST = 12  # programs one after another; a path that is longer goes in circles
# Official images whose own command serves no Python application.
_OTHER_BASES = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:nginx|nginxinc/[\w-]+|postgres|postgis/postgis|mysql|mariadb|redis|mongo|node|"
    r"httpd|traefik|caddy|haproxy|rabbitmq|memcached|elasticsearch|python|debian|ubuntu|alpine|busybox)(?:[:@].*)?"
)
# Base images that bring a server and start it on what is copied to /app.
_SERVING_BASES = re.compile(r"(?:.*/)?((?:uwsgi-nginx|meinheld-gunicorn)(?:-flask)?)(?:[:@].*)?")
_VERSIONED = re.compile(r"(python|pip)\d[\d.]*")


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
