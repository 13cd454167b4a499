"""Who asks: clients that keep their connection, bursts on demand, and what a load is doing just now."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from gunwale.measure.load_exchange import Exchange

Seconds = float


@dataclass(slots=True, kw_only=True)
class Client:
    """A client that keeps its connection; *due* is the intended time of its next request."""

    number: int
    due: Seconds
    socket: socket.socket | None = None
    connected: Seconds | None = None
    free_since: Seconds = 0.0


@dataclass(slots=True, kw_only=True)
class Burst:
    """*count* connections at once; *is_sent* is set when each has written or failed."""

    count: int
    exchanges: list[Exchange] = field(default_factory=list)
    is_sent: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A running load, at a glance: *sent* of which *finished* of which *failed*, and the rest in flight."""

    at: Seconds
    sent: int
    finished: int
    failed: int
    lag_p99: Seconds
