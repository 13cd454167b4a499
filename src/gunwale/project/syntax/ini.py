"""Files of sections and ``name = value`` lines, as supervisord, systemd and uWSGI write them.

configparser keeps no places, refuses repeated names, which systemd and uWSGI mean, and interpolates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given, UnreadableError

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

_SECTION = re.compile(r"\[([^\]]+)\]\s*(?:[;#].*)?")
_ENTRY = re.compile(r"([^=:\s][^=:]*?)\s*[=:]\s*(.*)")
_INLINE_COMMENT = re.compile(r"\s[;#].*")


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its *name* and its *entries* in order; a name may stand there more than once."""

    name: str
    at: Place
    entries: tuple[tuple[str, Given[str]], ...]

    def all(self, name: str) -> list[Given[str]]:
        """Return every value given to *name*, in any case of its letters."""
        return [value for key, value in self.entries if key.lower() == name.lower()]

    def last(self, name: str) -> Given[str] | None:
        """Return the value of *name* that counts."""
        found = self.all(name)
        return found[-1] if found else None


def sections(source: Source) -> tuple[Section, ...]:
    """Read every section; UnreadableError for a line that is none of it."""
    found: list[tuple[str, Place, list[tuple[str, Given[str]]]]] = []
    is_continued = False
    for number, line in enumerate(source.lines(), 1):
        text = line.strip()
        if is_continued or (
            line[:1] in (" ", "\t") and found and found[-1][2] and text[:1] not in ("", ";", "#")
        ):
            _continue(found[-1][2], text)
        elif text and text[0] not in ";#":
            section, entry = _SECTION.fullmatch(text), _ENTRY.fullmatch(text)
            if section is not None:
                found.append((section[1].strip(), source.at(number), []))
            elif entry is None or not found:
                raise UnreadableError("neither a section nor name = value", number)
            else:
                value = _INLINE_COMMENT.sub("", entry[2]) if ";" in entry[2] else entry[2]
                found[-1][2].append((entry[1], Given(value.strip(), source.at(number))))
        is_continued = bool(found and found[-1][2]) and text.endswith("\\")
    return tuple(Section(name, at, tuple(entries)) for name, at, entries in found)


def _continue(entries: list[tuple[str, Given[str]]], text: str) -> None:
    key, given = entries[-1]
    entries[-1] = (key, Given(f"{given.value.removesuffix(chr(92)).rstrip()}\n{text}".strip(), given.at))
