"""Which worker class Gunicorn really takes: threads turn sync into gthread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Unknown

if TYPE_CHECKING:
    from gunwale.project.start import Server


def worker_class(server: Server) -> str | None:
    """Return the class in effect; None where it is not known."""
    given, threads = server.settings.get("worker_class"), server.number("threads", 1)
    if isinstance(given, Unknown) or threads is None:
        return None
    name = str(given.value) if isinstance(given, Given) else "sync"
    return "gthread" if name == "sync" and threads > 1 else name
