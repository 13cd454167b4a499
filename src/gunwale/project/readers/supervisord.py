"""supervisord's configuration: the programs it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.syntax import ini

if TYPE_CHECKING:
    from gunwale.project.facts import Source

TOPIC = "start"
_NAME = re.compile(r"(?:.*/)?[\w.-]*supervisor[\w.-]*(?:/.*)?\.(?:conf|ini)")


@dataclass(frozen=True, slots=True)
class Supervisord:
    """One file: its *programs*, and *main*, the section of supervisord itself."""

    path: str
    programs: tuple[ini.Section, ...]
    main: ini.Section | None
    includes: tuple[str, ...] = ()  # patterns of other files, as written


def is_one(path: str) -> bool:
    """Tell by the name: supervisord.conf, any in a directory named for it, or what may be one."""
    return _NAME.fullmatch(path) is not None or path.endswith((".conf", ".ini"))


def is_relevant(source: Source) -> bool:
    """Whether it has a section of supervisord's."""
    return "[program:" in source.text or "[supervisord]" in source.text


def read(source: Source) -> Supervisord | None:
    """Read one file; None where it runs no program, and has none run."""
    found = ini.sections(source)
    programs = tuple(each for each in found if each.name.startswith("program:"))
    main = next((each for each in found if each.name == "supervisord"), None)
    include = next((each for each in found if each.name == "include"), None)
    files = include.last("files") if include is not None else None
    includes = tuple(files.value.split()) if files is not None else ()
    return Supervisord(source.path, programs, main, includes) if programs or includes else None
