"""The server that a platform brings and sets up itself: what it is told of is not in the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Unknown
from gunwale.project.start import Server

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path

GUNICORN, OWN = NAMES = ("the platform's gunicorn", "the platform's own server")
_SETTINGS = (
    "workers",
    "threads",
    "bind",
    "accesslog",
    "timeout",
    "graceful_timeout",
    "keepalive",
    "worker_class",
)


def follow(call: Call, path: Path) -> Server:  # noqa: ARG001 - a program's signature
    """Return the server, of whose settings nothing is known."""
    unknown = Unknown("the platform sets it")
    return Server(
        name="gunicorn" if call.words[0].value == GUNICORN else "App Engine",
        at=call.at,
        application=call.words[1].value,
        settings=dict.fromkeys(_SETTINGS, unknown),
        words=tuple(call.texts),
    )
