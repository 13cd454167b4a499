"""Room for new clients where Waitress has as many connections as it may have.

Waitress alone accepts no more then, until somebody leaves or has been idle for as long as keep-alive lasts.
"""

from __future__ import annotations

from heapq import nsmallest
from time import monotonic
from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import has_spoken
from gunwale.runtime.room import full, may_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_notice = full()


ACCEPTS = 20
"""At once: each turn of the loop looks at every connection."""


def is_full(listener: Any) -> bool:
    """Whether no other connection can be accepted."""
    return bool(len(listener._map) >= listener.adj.connection_limit)  # noqa: SLF001 - there is no public way


def _idle(listener: Any) -> Iterator[Any]:
    now = monotonic()
    for each in listener.active_channels.values():
        if each.is_idle and may_go(now - each.last_activity, has_asked=each.has_asked):
            yield each


def has_room(listener: Any) -> bool:
    """Whether one more can be accepted, or somebody can make room."""
    return not is_full(listener) or any(True for _ in _idle(listener))


def accept_some(listener: Any, accept: Callable[[], None], *, needs_room: bool = True) -> None:
    """Call *accept* while somebody waits, with room for each if it *needs_room*."""
    for _ in range(ACCEPTS):
        if needs_room and is_full(listener):
            make_room(listener)
            if is_full(listener):
                break
        before = len(listener._map)  # noqa: SLF001 - as above
        accept()
        if len(listener._map) == before:  # noqa: SLF001 - as above
            break


def make_room(listener: Any) -> None:
    """Close the connections that have been idle longest: some, since it looks at all."""
    _notice.say()
    some = 1 + listener.adj.connection_limit // 50
    for each in nsmallest(some, _idle(listener), key=lambda each: each.last_activity):
        end(each)


def end(channel: Any) -> None:
    """Close an idle channel, unless it has asked: then the loop is about to see it."""
    if not has_spoken(channel.socket):
        channel.handle_close()


def close_expired(listener: Any, stalled: float) -> None:
    """Close idle connections after the plan's time, and those that got stuck half way after *stalled*."""
    now, timeout = monotonic(), listener.adj.channel_timeout
    for channel in list(listener.active_channels.values()):
        patience = max(stalled, timeout) if channel.owes else timeout
        if channel.requests or channel.last_activity >= now - patience:
            continue
        if channel.owes:
            channel.will_close = True
        else:
            end(channel)
