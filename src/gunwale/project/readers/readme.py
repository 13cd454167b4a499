"""README: the commands that it tells people to type, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

TOPIC = "start"
_NAME = re.compile(r"readme(?:\.(?:md|markdown|rst|txt))?", re.IGNORECASE)
_FENCE = re.compile(r"\s*(?:```|~~~)")
_INDENTED = re.compile(r"(?: {4}|\t)\s*(\S.*)")
_INLINE = re.compile(r"`+([^`]+)`+")
_COMMENT = re.compile(r"\s#.*")
_PROMPT = re.compile(r"\s*(?:[-*+]\s+|\d+\.\s+)?(?:\([\w.-]+\)\s*)?(?:[\w@:~/.-]*[$%#>]\s+)?")


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a shell: its *text*, and where it is written."""

    text: str
    at: Place


@dataclass(frozen=True, slots=True)
class Readme:
    """The commands of one README."""

    path: str
    commands: tuple[Command, ...]


def is_one(path: str) -> bool:
    """Tell by the name; only the project's own: others speak of parts of it."""
    return _NAME.fullmatch(path) is not None


def read(source: Source) -> Readme:
    """Read blocks of code, and commands written within a line."""
    found: list[Command] = []
    is_code = False
    for number, line in enumerate(source.lines(), 1):
        if _FENCE.match(line):
            is_code = not is_code
            continue
        indented = _INDENTED.fullmatch(line)
        texts = [line] if is_code else [indented[1]] if indented else _INLINE.findall(line)
        for text in texts:
            plain = _COMMENT.sub("", text[match.end() :] if (match := _PROMPT.match(text)) else text)
            if plain.strip():
                found.append(Command(plain.strip(), source.at(number)))
    return Readme(source.path, tuple(found))
