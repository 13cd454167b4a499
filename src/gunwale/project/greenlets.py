"""Starts whose requests are greenlets of one thread: gevent's and eventlet's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

# "gevent", "geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "flask_sockets.worker" are gevent's.
_CLASSES = (
    ("gevent", re.compile(r"gevent|flask_sockets", re.IGNORECASE)),
    ("eventlet", re.compile(r"eventlet", re.IGNORECASE)),
)


class Hub(NamedTuple):
    """Whose hub the requests run on, *at* which it is chosen, and by the worker class of Gunicorn or not."""

    name: str
    at: Place
    is_worker_class: bool


def hub(start: Start) -> Hub | None:
    """Return the hub that a start's requests share, or None."""
    server = start.server
    if server is None:
        return None
    if server.name in ("gevent", "eventlet"):
        return Hub(server.name, server.at, is_worker_class=False)
    chosen = server.settings.get("worker_class")
    if server.name in ("gunicorn", "gunwale") and isinstance(chosen, Given):
        for name, regex in _CLASSES:
            if regex.search(str(chosen.value)):
                return Hub(name, chosen.at, is_worker_class=True)
    return None


def is_patched(project: Project, start: Start) -> bool:
    """Whether anything patches the standard library for the hub: code, or the way it is started."""
    if any("gevent.monkey" in step.text for step in start.steps):
        return True
    return any(
        call.name.startswith(("gevent.monkey.patch_", "eventlet.monkey_patch", "eventlet.patcher."))
        for file in project.of(PythonFile)
        if role(file.path) is not Role.DEVELOPMENT
        for call in file.calls
    )
