"""What a start is: one launch, the steps from it, the server at its end, and what stays above that."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Place, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.launch import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The process that answers requests.

    *name*: "gunicorn", "werkzeug", "waitress", …; *application*: as the server is told it, "" if it is not;
    *settings* by Gunicorn's names ("workers", "bind", "accesslog", …) where a server has the like: what is
    given only, so an absent one has the server's default. *is_development*: Werkzeug's.
    """

    name: str
    at: Place
    application: str = ""
    settings: Mapping[str, Given[object] | Unknown] = field(default_factory=dict)
    is_development: bool = False
    words: tuple[str, ...] = ()

    def number(self, name: str, default: float) -> float | None:
        """Return the number given for a setting, *default* where none is, None where it is unknown."""
        found = self.settings.get(name)
        if found is None:
            return default
        try:
            return float(str(found.value)) if isinstance(found, Given) else None
        except ValueError:
            return None

    def setting_at(self, name: str) -> Place:
        """Return where a setting is given, or the server's own place."""
        found = self.settings.get(name)
        return found.at if isinstance(found, Given) else self.at


@dataclass(frozen=True, slots=True)
class NotWeb:
    """A start that ends in something else: a worker of a queue, a database, a shell."""

    name: str


Outcome = Server | NotWeb | Unknown


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path, as it is printed: its place and what runs there."""

    at: Place
    text: str


class Kind(StrEnum):
    """What stays above a server."""

    LINE = "line"  # a shell that runs a -c line
    SCRIPT = "script"  # a shell that runs a file
    BACKGROUND = "background"  # a shell that started the server with "&"
    CODE = "code"  # a Python program that starts it as a child
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A process that stays above the server: what it is, where it is started, whether signals pass it on."""

    text: str
    at: Place
    passes_signals: bool = False
    kind: Kind = Kind.PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One launch and where it ends. *ancestors*: what stays above the server, PID 1 first."""

    launch: Launch
    outcome: Outcome
    steps: tuple[Step, ...]
    ancestors: tuple[Ancestor, ...]
    environ: Mapping[str, Given[str]]

    @property
    def server(self) -> Server | None:
        """The server, where the path ends in one."""
        return self.outcome if isinstance(self.outcome, Server) else None

    @property
    def is_gunwale(self) -> bool:
        """Whether it ends in gunwale serve, which answers health checks itself and has a lame duck."""
        return self.server is not None and self.server.name == "gunwale"
