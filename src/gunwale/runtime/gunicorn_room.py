"""Room for new clients in a Gunicorn worker that has as many connections as it may have.

Gunicorn alone accepts no more then, until somebody leaves: a thousand clients that are connected and say
nothing keep all others out for as long as keep-alive lasts. Here the connection that has been idle longest
makes room. (For the sync worker, which has one connection at a time, see gunicorn_silent.)
"""

from __future__ import annotations

import errno
import resource
from typing import TYPE_CHECKING, Any

from gunwale.runtime.room import full

if TYPE_CHECKING:
    from collections.abc import Callable

OTHERS = 64
"""Descriptors of a worker that are no connections: files, the application's own sockets, the lingering."""
LEAST = 16
NONE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def most_connections(wanted: int, threads: int, listeners: int) -> int:
    """Give as many of *wanted* connections a listener as the descriptor limit holds.

    Every busy thread may hold one besides; Gunicorn ends a worker that cannot accept for want of one.
    """
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(LEAST, (limit - OTHERS - 2 * threads) // max(1, listeners)))


class Room:
    """Keeps room in one worker; of its own, for one that has its connections to itself, it does nothing."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._notice = full()

    @property
    def is_full(self) -> bool:
        """Whether nobody else can be accepted."""
        return False

    def asks(self, req: Any) -> None:
        """Note that the connection makes a request; in pre_request."""
        if self.is_full:
            self._notice.say()
            req.force_close()


def then(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    """Make one of two."""

    def both() -> None:
        first()
        second()

    return both
