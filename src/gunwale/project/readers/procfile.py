"""Procfile: one process type a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

TOPIC = "start"
_LINE = re.compile(r"\s*([\w-]+)\s*:\s*(\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Process:
    """A process type: its *name*, its *command*, a shell's, and where that begins."""

    name: str
    command: str
    at: Place


@dataclass(frozen=True, slots=True)
class Procfile:
    """The process types of one Procfile."""

    path: str
    processes: tuple[Process, ...]


def is_one(path: str) -> bool:
    """Tell by the name."""
    return path.rpartition("/")[2].partition(".")[0] == "Procfile"


def read(source: Source) -> Procfile:
    """Read one Procfile."""
    found = []
    for number, line in enumerate(source.lines(), 1):
        match = _LINE.fullmatch(line)
        if match:
            found.append(Process(match[1], match[2], source.at(number, match.start(2) + 1)))
    return Procfile(source.path, tuple(found))
