"""What a server module hands to the supervisor."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One server's start: words, environment, and what the supervisor must know of it."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's own."""
    slots: int
    """Workers a generation can have at most."""
    concurrency: int
    """Requests one worker is in at most."""
    buffered: int = 0
    """Connections for which one worker besides holds half a request or half a response, at most."""
    scale_signal: str | None = None
    """Makes the leader look at the scoreboard's target; None where the number is fixed."""
    quick_signal: str = "SIGQUIT"
    """Makes the leader stop without waiting for requests."""

    steers: bool = True
    """Whether the supervisor drains from outside; else the server's own drain has been given the time."""
    alone: Mapping[str, Any] | None = None
    """What changes where memory holds one worker only, and the user did not choose the worker class."""

    def as_json(self) -> dict[str, Any]:
        """Give the hand-over's form; *entries* is the size of a slot's request table."""
        entries = min(self.concurrency + self.buffered, 1024)
        return {**asdict(self), "argv": list(self.argv), "entries": entries}
