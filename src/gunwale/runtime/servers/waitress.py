"""Waitress's half inside its own process: our sockets, our wrapper, and connections that are finished.

Run as ``python -m gunwale.runtime.servers.waitress``; everything else stands in the plan handed down.
Waitress takes requests in, and responses out, in a thread of its own; the scoreboard sees a request only
while the application has it. What is on its way before and after that is noted here while draining.
"""

from __future__ import annotations

import errno
import signal
import socket
import sys
import time
import traceback
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, TcpWSGIServer, UnixWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from gunwale.runtime import server_log, worker_exit
from gunwale.runtime.application import ApplicationNameError, load
from gunwale.runtime.boot_log import keep_words
from gunwale.runtime.lifeline import hold
from gunwale.runtime.linger import Closer
from gunwale.runtime.settings import Settings
from gunwale.runtime.supervised import Supervised, leave_systemd_to_the_supervisor
from gunwale.runtime.waitress_adjustments import adjustments
from gunwale.runtime.waitress_parser import Parser
from gunwale.runtime.waitress_room import accept_some, close_expired, end, has_room, is_full
from gunwale.runtime.waitress_worker import watch
from gunwale.runtime.wsgi import REQUEST_ID, Wrapper, wrap

STALLED = 120
"""Seconds without a byte after which a half-sent request or response is given up, as Waitress has it."""
IDLE_TURN, TURN = 1.0, 0.05
"""Seconds between two looks at the scoreboard: below the quiet time of the drain while something is owed.

Shorter also while all places are taken: somebody may make room soon.
"""
QUIET_TURNS = 3
"""Without anything owed, before it leaves: what was just accepted has not been read yet."""


class Task(WSGITask):
    """One request."""

    channel: Channel

    def execute(self) -> None:
        """Run the application; what is left of the response is known by the request's id."""
        self.channel.has_asked = True
        try:
            super().execute()
        finally:
            if self.environ is not None:
                self.channel.request_id = str(self.environ.get(REQUEST_ID, ""))

    def build_response_header(self) -> bytes:
        """Close the connection after this response, from the lame duck on, after a reload, and when full."""
        if self.channel.server.supervised.board.is_closing or is_full(self.channel.server):
            self.request.headers["CONNECTION"] = "close"  # as if the client had asked for it
        head: bytes = super().build_response_header()
        return head


class Refusal(ErrorTask):
    """The answer to what is no request; it closes the connection."""

    def execute(self) -> None:
        """Answer, and have it in the access log: the application never sees it."""
        self.version = "1.1"  # ours; the client's may not have been read
        error, channel = self.request.error, self.channel
        try:
            super().execute()
        finally:  # the client may leave in the middle
            if error.code != 500:  # which is the application's exception, and logged by the wrapper
                said = f"{error.reason} (by the server)"
                channel.server.application.reject(channel.addr[0], error.code, said)


class Channel(HTTPChannel):
    """One connection."""

    task_class = Task
    error_task_class = Refusal
    parser_class = Parser
    server: Listener
    socket: socket.socket | None
    request_id = ""
    """Of the last request that the application had."""
    has_asked = False

    @property
    def last_activity(self) -> float:
        """When anything moved, by time.monotonic(); Waitress notes the wall clock, which may be stepped."""
        return self._moved

    @last_activity.setter
    def last_activity(self, _wall_clock: float) -> None:
        self._moved = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """Whether no request is running, on its way or waiting."""
        return not self.owes and not self.requests

    @property
    def owes(self) -> bool:
        """Whether a request is half received, or a response not handed to the kernel yet."""
        return bool(self.total_outbufs_len) or self.request is not None

    def handle_close(self) -> None:
        """Close without a reset, which would destroy the end of the response (RFC 9112 §9.6)."""
        with self.outbuf_lock:  # a task's thread may be sending
            sock, self.socket = self.socket, None
            super().handle_close()
        if sock is not None:
            self.server.closer.close(sock)


class Listener(BaseWSGIServer):
    """One inherited socket."""

    channel_class = Channel
    supervised: Supervised
    closer: Closer
    next_channel_cleanup = 0.0
    is_ending = False

    def accept_connections(self) -> None:
        """Accept; without listen(), which opens the door: the supervisor did that."""
        self.accepting = True

    def accept(self) -> Any:
        """Accept one; none any more where the supervisor refuses connections from now on."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno == errno.EINVAL:
                self.accepting = False
                return None
            raise

    def handle_close(self) -> None:
        """Stay: a socket that was shut down says so, and the loop's own descriptors are this one's."""

    def readable(self) -> bool:
        """Accept, if there is room or somebody who can make room."""
        now = time.monotonic()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            close_expired(self, STALLED)
        return self.accepting and has_room(self)

    def handle_accept(self) -> None:
        """Accept some; at the limit those that have been idle longest make room, but for the last ones."""
        accept_some(self, super().handle_accept, needs_room=not self.is_ending)


class TcpListener(Listener, TcpWSGIServer):
    """IPv4 or IPv6."""


class UnixListener(Listener, UnixWSGIServer):
    """A Unix socket, in whose environ nothing is taken for an address or a port."""

    def getsockname(self) -> tuple[str, int]:
        """Stand in for SERVER_NAME and SERVER_PORT."""
        return ("localhost", 80)

    def fix_addr(self, _addr: object) -> tuple[str, str]:
        """Give the peer no address, as Gunicorn does."""
        return ("", "")


class Server:
    """All sockets of the process, and the loop that serves them."""

    def __init__(self, supervised: Supervised, application: Wrapper, adjustments: Adjustments) -> None:
        self.supervised = supervised
        self.closer = Closer()
        self.is_told_to_stop = False
        self._held: dict[Channel, int] = {}
        self._map: dict[int, Any] = {}
        self.dispatcher = ThreadedTaskDispatcher()
        self.dispatcher.set_thread_count(adjustments.threads)
        self._listeners = []
        given = {"dispatcher": self.dispatcher, "adj": adjustments, "bind_socket": False}
        for fd in supervised.listeners:
            sock = socket.socket(fileno=fd)
            kind = UnixListener if sock.family == socket.AF_UNIX else TcpListener
            info = (sock.family, sock.type, sock.proto, None)
            listener = kind(application, self._map, _sock=sock, sockinfo=info, **given)
            listener.supervised, listener.closer = supervised, self.closer
            if adjustments.server_name == Adjustments.server_name:
                listener.server_name = listener.effective_host
            self._listeners.append(listener)

    def stop(self, *_: object) -> None:
        """Leave the loop once nothing is owed; a signal handler."""
        self.is_told_to_stop = True
        self._listeners[0].pull_trigger()

    def wait_for_the_door(self) -> bool:
        """Wait until the supervisor listens; False when told to stop before it did."""
        for listener in self._listeners:
            while not listener.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                if self.is_told_to_stop:
                    return False
                time.sleep(0.002)
        return True

    def run(self) -> None:
        """Serve until told to stop, and until then all that was accepted."""
        quiet = 0
        while quiet < QUIET_TURNS:
            channels = [each for each in self._map.values() if isinstance(each, Channel)]
            owing = [each for each in channels if each.owes]
            if self.supervised.board.is_closing:
                self._note(owing)
            if self.is_told_to_stop:
                self._accept_the_last()
                quiet = 0 if owing or any(each.requests for each in channels) else quiet + 1
            is_soon = owing or self.is_told_to_stop or any(map(is_full, self._listeners))
            wasyncore.poll2(TURN if is_soon else IDLE_TURN, self._map)
        self.dispatcher.shutdown(timeout=1)
        for each in [each for each in self._map.values() if isinstance(each, Channel)]:
            end(each)
        self.closer.finish()

    def _note(self, owing: list[Channel]) -> None:
        slot = self.supervised.slot
        assert slot is not None
        # Where the application has the request, the scoreboard knows.
        without = {channel for channel in owing if not channel.requests}
        for channel in self._held.keys() - without:
            slot.release(self._held.pop(channel))
        for channel in without - self._held.keys():
            request_id = channel.request_id if channel.total_outbufs_len else ""
            self._held[channel] = slot.begin(request_id, time.monotonic_ns())

    def _accept_the_last(self) -> None:
        for listener in self._listeners:
            if listener.accepting:
                listener.is_ending = True
                before = -1
                while before != (before := len(self._map)):
                    listener.handle_accept()
                listener.accepting = False
                listener.del_channel()


def leave(*_: object) -> None:
    """End at once; a signal handler."""
    raise SystemExit(0)


def main() -> int:
    """Serve the plan's application; the exit status."""
    leave_systemd_to_the_supervisor()
    for name in ("SIGTERM", "SIGINT", "SIGQUIT"):
        signal.signal(getattr(signal, name), leave)
    for name in ("SIGHUP", "SIGUSR1"):  # Waitress reloads nothing, and has no log file
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])  # for what the application starts
    supervised = Supervised()
    keep_words(supervised.boot_log)
    hold(supervised.lifeline)
    plan = dict(supervised.plan)
    slot = supervised.slot = supervised.board.claim(supervised.generation)
    server_log.say("waitress", f"loading {plan['app']}")
    try:
        application = wrap(load(plan["app"]), Settings.from_plan(plan), slot)
        at_exit = worker_exit.resolve(plan["serve.on_worker_exit"])
    except ApplicationNameError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except Exception:  # noqa: BLE001 - the user's own module may raise anything, and it is shown whole
        traceback.print_exc()
        return 3
    # A queue is what a burst makes: a warning for each request of it would drown the log.
    server_log.set_up({"waitress": server_log.LEVELS[plan["serve.log_level"]], "waitress.queue": 40})
    server = Server(supervised, application, adjustments(plan, sys.argv[1:]))
    signal.signal(signal.SIGTERM, server.stop)
    watch(supervised, server.dispatcher)
    application.start_checks()
    slot.booted()
    supervised.wake()
    try:
        if server.wait_for_the_door():
            server.run()
    finally:
        worker_exit.call(at_exit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
