"""What facts are made of: a place, a value that may be unknown, and what was not looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Place(NamedTuple):
    """Where something stands: *path* from the project's root, *line* and *column* from 1."""

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Unknown(NamedTuple):
    """A value that the files do not tell, and *why*; rules are silent on it."""

    why: str


@dataclass(frozen=True, slots=True)
class Given(Generic[T_co]):
    """A *value* the files give, where (*at*), and the environment *variables* that may say otherwise."""

    value: T_co
    at: Place
    variables: tuple[str, ...] = ()


class NotChecked(NamedTuple):
    """What was not looked at: its *topic* and *why*."""

    topic: str
    why: str


class UnreadableError(Exception):
    """A file that its reader cannot read; *line* is where it gave up, or 0."""

    def __init__(self, why: str, line: int = 0) -> None:
        self.why, self.line = why, line
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file of the project."""

    path: str
    text: str

    def at(self, line: int, column: int = 1) -> Place:
        """Return a place in this file."""
        return Place(self.path, line, column)

    def lines(self) -> list[str]:
        """Return the lines, without their ends; a line feed alone ends one, as Docker and Python count."""
        return self.text.split("\n")
