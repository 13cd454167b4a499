"""Whose connection is closed when all places are taken, or its time is over; the same on every server.

A client's next request can cross the close on its way, and then has no answer (RFC 9112 §9.6). So a
connection is closed with a word where there is one: at the limit every response says "Connection: close".
Without a word only who has been idle for a while is closed, after a last look whether something has come,
and never by a reset: a request that crosses meets an end, and may be asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.runtime.notice import Notice

if TYPE_CHECKING:
    from typing import Final

THINKING: Final = 1.0
"""Seconds that a client which has had an answer is given for its next request, however full it is.

Most ask again within it; and where others push, as many places become free by responses that close.
"""
CONNECTING: Final = 0.1
"""The same for one that has said nothing yet: its request mostly comes right after the handshake."""
KEEPALIVE_LINGER: Final = 1.25
"""Seconds in which a worker that ends still answers a kept connection.

Gunicorn's thread worker takes two, its greenlets as long as its master waits (graceful_timeout) before it
kills: the worker's exit hooks would not run whenever a proxy keeps a connection.
"""


def may_go(idle: float, *, has_asked: bool) -> bool:
    """Whether a connection that has been idle for so many seconds may be closed to make room."""
    return idle >= (THINKING if has_asked else CONNECTING)


def full() -> Notice:
    """Make the line that is said when there is no room."""
    return Notice("all places for connections are taken: those that have been idle longest make room")
