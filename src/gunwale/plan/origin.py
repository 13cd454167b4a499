"""Where a value of the plan came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GUNICORN_WORDS = "-- gunicorn "  # how places in the user's own command begin


class Source(StrEnum):
    """The kinds of origin, strongest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    FILE = "file"
    GUNICORN = "gunicorn.conf.py"
    DERIVED = "derived"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The *source* of a value, the *place* in it (option, variable, key, file:line) and *why* it is so."""

    source: Source
    place: str = ""
    why: str = ""

    @property
    def is_gunicorns(self) -> bool:
        """Whether the value was written for Gunicorn: its file, its variable, its own command line."""
        return self.source is Source.GUNICORN or self.place.startswith(GUNICORN_WORDS)

    def __str__(self) -> str:
        return self.place or self.source.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value some source offers for a key.

    *is_text* tells a text that stands for a value (an environment variable) from a typed value.
    """

    key: str
    value: object
    origin: Origin
    is_text: bool = False
