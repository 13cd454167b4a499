"""What Waitress's one process does about its deadline, and when it has served enough.

It ends one request, or asks for another process: the supervisor starts another generation, as in a reload.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import Stuck, Watch, cut, register_dump, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.runtime.scoreboard import Slot
    from gunwale.runtime.supervised import Supervised


def watch(supervised: Supervised, dispatcher: Any) -> None:
    """Start to look at what runs; *dispatcher* is Waitress's pool of threads."""
    register_dump()
    assert supervised.slot is not None
    timeout = supervised.plan["serve.request_timeout"]
    Watch(supervised.slot, timeout, OneProcess(supervised.plan, supervised.slot, dispatcher)).start()


class OneProcess:
    """A server that cannot end a thread, and has no other process to turn to."""

    def __init__(self, plan: Mapping[str, Any], slot: Slot, dispatcher: Any) -> None:
        self._slot, self._dispatcher = slot, dispatcher
        self._threads: int = plan["serve.threads"]
        self._most: int = plan["serve.max_requests"]
        if self._most:
            self._most += random.randint(0, plan["serve.max_requests_jitter"])  # noqa: S311 - spreads, hides nothing
        self._has_asked = False

    def connection(self, environ: dict[str, Any]) -> Any:
        """Give the request's socket."""
        return getattr(_channel(environ), "socket", None)

    def is_held_up(self) -> bool:
        """Never: it takes requests in in a thread of its own."""
        return False

    def give_up(self, stuck: Stuck) -> None:
        """End the connection: a thread that waits for its client goes on, and so ends."""
        channel = _channel(stuck.exchange.environ)
        if channel is not None:
            cut(channel.socket)
            channel.will_close = True
            channel.server.pull_trigger()

    def retire(self, stuck: int) -> None:
        """Have a thread more for each that is stuck; the supervisor starts another generation."""
        if stuck:
            self._dispatcher.set_thread_count(self._threads + stuck)
        if not self._has_asked:
            self._has_asked = True
            served = f"{self._slot.served()} requests are served"
            why = "a thread is stuck and cannot be ended" if stuck else served
            say(f"{why}: another process takes over")

    def turn(self, running: int, stuck: int) -> bool:  # noqa: ARG002 - one protocol
        """Say whether max_requests is reached; the process serves on until another one does."""
        return 0 < self._most <= self._slot.served()


def _channel(environ: dict[str, Any]) -> Any:
    return getattr(environ.get("waitress.client_disconnected"), "__self__", None)
