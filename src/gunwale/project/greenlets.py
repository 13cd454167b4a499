"""Starts whose requests are greenlets of one thread: gevent's and eventlet's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.start_path import Start

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
    if server.name == "gunicorn" and isinstance(chosen, Given):
        for name, regex in _CLASSES:
            if regex.search(str(chosen.value)):
                return Hub(name, chosen.at, is_worker_class=True)
    return None
