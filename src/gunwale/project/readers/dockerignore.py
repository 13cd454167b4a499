""".dockerignore, by Docker's own matching: what a build context leaves out.

As moby/patternmatcher does it: patterns are cleaned, matched against the whole path and its parents from the
context's root, ``**`` crosses directories, ``!`` takes back, the last match wins.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.project.facts import Place, Source

TOPIC = "dockerignore"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: the pattern's *text* without its "!", whether it takes back, where it stands."""

    text: str
    is_exception: bool
    at: Place
    regex: re.Pattern[str]

    def misses(self, path: str) -> bool:
        """Whether it would match *path* if it held below the context's root too, as Git's patterns do."""
        if "/" in self.text or self.is_exception or "**" in self.text:
            return False
        return any(self.regex.fullmatch(part) for part in path.split("/")[1:])


@dataclass(frozen=True, slots=True)
class Dockerignore:
    """The *patterns* of one file, in order."""

    path: str
    patterns: tuple[Pattern, ...]

    def excludes(self, path: str) -> bool:
        """Whether *path*, from the context's root, stays out of the context."""
        return excludes(self.patterns, path)


def is_one(path: str) -> bool:
    """Tell by the name: .dockerignore, or NAME.dockerignore beside a Dockerfile of that name."""
    return path.endswith(".dockerignore")


def read(source: Source) -> Dockerignore:
    """Read one file."""
    found = []
    for number, line in enumerate(source.lines(), 1):
        text = line.strip()
        if not text or line.startswith("#"):
            continue
        is_exception = text.startswith("!")
        text = posixpath.normpath(text.removeprefix("!").strip()).lstrip("/")
        if text not in ("", "."):
            found.append(Pattern(text, is_exception, source.at(number), _regex(text, number)))
    return Dockerignore(source.path, tuple(found))


def excludes(patterns: Sequence[Pattern], path: str) -> bool:
    """Whether the last of *patterns* to match *path* or a directory above it leaves it out."""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    is_out = False
    for pattern in patterns:
        if pattern.is_exception == is_out and any(pattern.regex.fullmatch(each) for each in above):
            is_out = not pattern.is_exception
    return is_out


def _regex(text: str, line: int) -> re.Pattern[str]:
    written, index = "", 0
    while index < len(text):
        each = text[index]
        if text.startswith("**", index):
            index += 2
            if text[index : index + 1] == "/":
                index += 1
            written += ".*" if index >= len(text) else "(?:.*/)?"
            continue
        if each == "[" and (end := text.find("]", index + 2)) > 0:
            inner = text[index + 1 : end].replace("\\", "\\\\")
            written += f"[{inner}]"
            index = end
        elif each == "\\" and index + 1 < len(text):
            index += 1
            written += re.escape(text[index])
        else:
            written += {"*": "[^/]*", "?": "[^/]"}.get(each, re.escape(each))
        index += 1
    try:
        return re.compile(written, re.DOTALL)
    except re.error as error:
        raise UnreadableError(f"a pattern that Docker refuses: {text!r}", line) from error
