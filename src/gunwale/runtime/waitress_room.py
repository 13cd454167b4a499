"""Room for new clients where Waitress has as many connections as it may have.

Waitress alone accepts no more then, until somebody leaves or has been idle for as long as keep-alive lasts.
"""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel

from gunwale.runtime.deadline import has_spoken
from gunwale.runtime.notice import FULL, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

_notice = Notice(FULL)


ACCEPTS = 20
"""At once: each turn of the loop looks at every connection."""


def has_room(listener: Any) -> bool:
    """Whether one more can be accepted, or somebody can make room."""
    is_full = len(listener._map) >= listener.adj.connection_limit  # noqa: SLF001 - there is no public way
    return not is_full or any(each.is_idle for each in listener.active_channels.values())


def accept_some(listener: Any, accept: Callable[[], None]) -> None:
    """Call *accept* while somebody waits, with room for each."""
    for _ in range(ACCEPTS):
        make_room(listener)
        before = len(listener._map)  # noqa: SLF001 - as above
        accept()
        if len(listener._map) == before:  # noqa: SLF001 - as above
            break


def make_room(listener: Any) -> None:
    """At the limit, close the connections that have been idle longest: some, since it looks at all."""
    if len(listener._map) < listener.adj.connection_limit:  # noqa: SLF001 - as above
        return
    if idle := [each for each in listener.active_channels.values() if each.is_idle]:
        _notice.say()
        some = 1 + listener.adj.connection_limit // 50
        for each in nsmallest(some, idle, key=lambda each: each.last_activity):
            if not has_spoken(each.socket):
                # Without half-closing, which would take the descriptor for two seconds more.
                HTTPChannel.handle_close(each)
