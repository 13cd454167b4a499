"""haproxy.cfg as its sections, each a list of lines of words."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

TOPIC = "trust"
LONGEST = 4096  # characters of a line that quotes are minded in: shlex takes 17 s for a MiB
_NAME = re.compile(r"haproxy.*\.(?:cfg|conf)(?:[.\-_]\w+)?", re.IGNORECASE)
_SECTIONS = ("global", "defaults", "frontend", "backend", "listen", "userlist", "resolvers", "peers", "cache")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its *words* and where it stands."""

    words: tuple[str, ...]
    at: Place


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One section: its *kind* ("frontend"), *name*, and *lines*."""

    kind: str
    name: str
    lines: tuple[Line, ...]

    def all(self, *words: str) -> list[Line]:
        """Return the lines that begin with *words*."""
        return [each for each in self.lines if each.words[: len(words)] == words]


@dataclass(frozen=True, slots=True, eq=False)
class HAProxy:
    """One file."""

    path: str
    sections: tuple[Section, ...]


def is_one(path: str) -> bool:
    """Tell by the name."""
    return _NAME.fullmatch(path.rpartition("/")[2]) is not None


def read(source: Source) -> HAProxy:
    """Read one file."""
    found: list[tuple[str, str, list[Line]]] = []
    for number, text in enumerate(source.lines(), 1):
        words = _words(text)
        if words and words[0] in _SECTIONS:
            found.append((words[0], words[1] if len(words) > 1 else "", []))
        elif words and found:
            column = len(text) - len(text.lstrip()) + 1
            found[-1][2].append(Line(words, source.at(number, column)))
    return HAProxy(source.path, tuple(Section(kind, name, tuple(lines)) for kind, name, lines in found))


def _words(text: str) -> tuple[str, ...]:
    plain = tuple(text.partition("#")[0].split())
    if len(text) > LONGEST or not plain:
        return plain
    try:
        return tuple(shlex.split(text, comments=True))
    except ValueError:
        return plain
