"""What the plan must know of a server to derive its values; each server of ``serve`` says it of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """One server's nature."""

    worker_classes: tuple[str, ...]
    """The first is the default."""
    default_why: str
    threaded: tuple[str, ...] = ()
    """The worker classes whose workers run serve.threads requests at once."""
    own_classes: bool = False
    """Whether a user may name a worker class of their own by its dotted name."""
    one_process: str = ""
    """Why it has no workers besides the one, or ""."""
    is_extra: bool = False
    """Whether it comes with the extra of its name; else with gunwale itself."""


GUNICORN = Traits(
    worker_classes=("sync", "gthread", "gevent"),
    default_why="the simplest: one request at a time in each worker",
    threaded=("gthread",),
    own_classes=True,
)
