"""uWSGI's configuration as .ini: the section [uwsgi]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.syntax import ini

if TYPE_CHECKING:
    from gunwale.project.facts import Source

TOPIC = "server"
_NAME = re.compile(r"(?:.*/)?[\w.-]*uwsgi[\w.-]*(?:/.*)?\.ini")


@dataclass(frozen=True, slots=True)
class UwsgiIni:
    """One file and its *section*."""

    path: str
    section: ini.Section


def is_one(path: str) -> bool:
    """Tell by the name."""
    return _NAME.fullmatch(path) is not None


def read(source: Source) -> UwsgiIni | None:
    """Read one file; None where it has no section of uWSGI's."""
    found = next((each for each in ini.sections(source) if each.name == "uwsgi"), None)
    return UwsgiIni(source.path, found) if found else None
