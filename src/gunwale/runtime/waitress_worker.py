"""What Waitress's one process does about its deadline: end one request, or ask for another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunwale.runtime.deadline import Stuck, Watch, cut, register_dump, say

if TYPE_CHECKING:
    from gunwale.runtime.supervised import Supervised


def watch(supervised: Supervised, dispatcher: Any) -> None:
    """Start the deadline's watch; *dispatcher* is Waitress's pool of threads."""
    register_dump()
    assert supervised.slot is not None
    timeout = supervised.plan["serve.request_timeout"]
    threads = supervised.plan["serve.threads"]
    Watch(supervised.slot, timeout, OneProcess(dispatcher, threads)).start()


class OneProcess:
    """A server that cannot end a thread, and has no other process to turn to."""

    def __init__(self, dispatcher: Any, threads: int) -> None:
        self._dispatcher, self._threads = dispatcher, threads
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
        if stuck and not self._has_asked:
            self._has_asked = True
            say("a thread is stuck and cannot be ended: another process takes over")

    def turn(self, running: int, stuck: int) -> bool:  # noqa: ARG002 - one protocol
        """Do nothing: the supervisor says when this process ends."""
        return False


def _channel(environ: dict[str, Any]) -> Any:
    return getattr(environ.get("waitress.client_disconnected"), "__self__", None)
