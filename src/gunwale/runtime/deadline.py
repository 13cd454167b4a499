"""request_timeout: one request is given up, and its stack is in the log.

The clock of a request stands back at zero whenever something moves on its connection: a byte of its body
that the application reads, a block that the application hands over, a byte of the response that the client
takes. So a download or an event stream lasts as long as it moves, and a request that does nothing has
*request_timeout* seconds from its beginning. (Where the server gives no connection, blocks alone count.)

A native thread looks twice a second; that gevent has replaced threads does not matter to it. It needs the
interpreter's lock: a C call that never gives it away stops this thread too, and then somebody outside has
to act (scoreboard_watch.frozen), for whom register_dump() gives a way to the stacks.
"""

from __future__ import annotations

import _socket
import contextlib
import faulthandler
import fcntl
import gc
import os
import struct
import sys
import termios
import traceback

# Bound now: gevent replaces the modules' own names, and then the thread would wait for its loop.
from _thread import get_ident, start_new_thread
from time import monotonic, monotonic_ns, sleep
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gunwale.runtime.outlet import STDERR
from gunwale.runtime.scoreboard_watch import DUMP, Marks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from gunwale.runtime.exchange import Exchange
    from gunwale.runtime.scoreboard import Slot

LOOK = 0.5
"""Seconds between two looks."""
_GIVEN_UP = "gunwale.given_up"
_TCP_INFO_BYTES = 192
_ACKED = struct.Struct("=QQ")  # tcpi_bytes_acked and tcpi_bytes_received, since Linux 4.1
_ACKED_AT = 120


class Stuck(NamedTuple):
    """A request that is given up; *is_current*: its stack is a thread's, not a waiting greenlet's."""

    exchange: Exchange
    greenlet: Any
    is_current: bool


class Server(Protocol):
    """What a server's half does about its requests and itself."""

    def connection(self, environ: dict[str, Any]) -> Any:
        """Give the request's socket, or None."""

    def is_held_up(self) -> bool:
        """Say, once a look, whether one request keeps the process's event loop from all others."""

    def give_up(self, stuck: Stuck) -> None:
        """Try to end this request alone; what still runs at the next look makes the worker retire."""

    def retire(self, stuck: int) -> None:
        """Accept no more; called again whenever the number of *stuck* requests grows."""

    def turn(self, running: int, stuck: int) -> bool:
        """Do what is due after a look; whether the worker is retiring by itself."""


class Watch:
    """The thread of one worker."""

    def __init__(self, slot: Slot, timeout: float, server: Server) -> None:
        self._slot, self._timeout, self._server = slot, timeout, server
        self._marks = Marks(slot)
        self._clocks: dict[int, _Clock] = {}
        self._is_retiring = False
        self._stuck = 0
        self._looked = monotonic_ns()

    def start(self) -> None:
        """Begin to look; in the worker, after fork."""
        start_new_thread(self._run, ())

    def _run(self) -> None:
        while True:
            sleep(LOOK)
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a watch that dies would take the deadline with it, unseen
                say("the deadline's watch failed:\n" + traceback.format_exc())

    def look(self) -> None:
        """Look at every running request once."""
        now = monotonic_ns()
        running = self._slot.entries()
        is_held_up = self._server.is_held_up()
        current = _held_by_frames() if is_held_up else set()
        clocks = {}
        for entry, started in running:
            clock = self._clocks.get(entry)
            exchange = self._slot.owners[entry]
            if exchange is None:  # no request: a connection that is owed something
                continue
            if clock is None or clock.started != started:
                clock = _Clock(started)
            clocks[entry] = clock
            if clock.given_up_at:
                continue
            clock.look(now, self._movement(exchange))
            if is_held_up and id(exchange.environ) not in current:
                clock.moved += now - self._looked  # it waits for the one that holds the loop up
            if now - clock.moved > self._timeout * 1e9:
                clock.given_up_at = now
                self._give_up(exchange, (now - clock.moved) / 1e9)
            exchange = None  # what it holds must not end its life in this thread
        self._clocks, self._looked = clocks, now
        self._retire_for([clock for clock in clocks.values() if 0 < clock.given_up_at < now])
        self._marks.looked(min((c.moved for c in clocks.values() if not c.given_up_at), default=0))
        if self._server.turn(self._slot.count(), self._stuck) and not self._is_retiring:
            self._is_retiring = True
            self._marks.retire()
            self._server.retire(0)

    def _retire_for(self, stuck: list[_Clock]) -> None:
        if len(stuck) != self._stuck:
            self._stuck = len(stuck)
            self._marks.stuck(len(stuck))
            if stuck:
                self._is_retiring = True
                self._marks.retire()
                self._server.retire(len(stuck))

    def _movement(self, exchange: Exchange) -> tuple[object, ...]:
        try:
            sock = self._server.connection(exchange.environ)
            return (exchange.sent, *(() if sock is None else moved(sock.fileno())))
        except (OSError, AttributeError):  # closed meanwhile
            return (exchange.sent,)

    def _give_up(self, exchange: Exchange, seconds: float) -> None:
        stuck, stack = find(exchange)
        method, path = (str(exchange.environ.get(name, "")) for name in ("REQUEST_METHOD", "PATH_INFO"))
        what = f"request {exchange.request_id} ({method} {path!a})"
        say(
            f"given up: {what} has not moved for {seconds:.1f} s"
            f" (request_timeout {self._timeout:g} s); it is here:\n{stack}"
        )
        self._server.give_up(stuck)


class _Clock:
    """When one request last moved, in ns by time.monotonic_ns()."""

    __slots__ = ("given_up_at", "moved", "movement", "started")

    def __init__(self, started: int) -> None:
        self.started = self.moved = started
        self.given_up_at = 0
        self.movement: tuple[object, ...] | None = None

    def look(self, now: int, movement: tuple[object, ...]) -> None:
        if self.movement is not None and movement != self.movement:
            self.moved = now
        self.movement = movement


def moved(fd: int) -> tuple[int, ...]:
    """How far a connection has come, in bytes: taken by its peer, and read here."""
    unread = _queue(fd, termios.FIONREAD)
    sock = _socket.socket(fileno=os.dup(fd))
    try:
        if sock.family == _socket.AF_UNIX:
            return _queue(fd, termios.TIOCOUTQ), unread
        info = sock.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, _TCP_INFO_BYTES)
    finally:
        sock.close()
    acked, received = _ACKED.unpack_from(info, _ACKED_AT)
    return acked, received - unread


def _queue(fd: int, which: int) -> int:
    return int.from_bytes(fcntl.ioctl(fd, which, b"\0\0\0\0"), sys.byteorder)


def has_spoken(sock: Any) -> bool:
    """Whether something has come that nobody has read."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        return _queue(sock.fileno(), termios.FIONREAD) > 0
    return False


def cut(sock: Any) -> None:
    """End a connection under whoever waits for its client; the descriptor stays its owner's."""
    with contextlib.suppress(OSError, AttributeError):
        raw = _socket.socket(fileno=os.dup(sock.fileno()))
        try:
            raw.shutdown(_socket.SHUT_RDWR)
        finally:
            raw.close()


def find(exchange: Exchange) -> tuple[Stuck, str]:
    """Find where *exchange* is, and its stack as text; all threads' where it cannot be told."""
    own = get_ident()
    frames = {ident: frame for ident, frame in sys._current_frames().items() if ident != own}  # noqa: SLF001 - there is no other way
    for frame in frames.values():
        if _is_in(exchange, frame):
            return Stuck(exchange, None, is_current=True), _text(frame)
    for greenlet in _greenlets():
        if greenlet.gr_frame is not None and _is_in(exchange, greenlet.gr_frame):
            return Stuck(exchange, greenlet, is_current=False), _text(greenlet.gr_frame)
    texts = [f"  thread {ident:#x}:\n{_text(frame)}" for ident, frame in frames.items()]
    return Stuck(exchange, None, is_current=False), "  (one of these threads)\n" + "".join(texts)


def _held_by_frames() -> set[int]:
    found: set[int] = set()
    for each in sys._current_frames().values():  # noqa: SLF001 - there is no other way
        frame: FrameType | None = each
        while frame is not None:
            found.update(id(value) for value in frame.f_locals.values())
            frame = frame.f_back
    return found


def _is_in(exchange: Exchange, frame: FrameType | None) -> bool:
    while frame is not None:
        # The server's own frames hold the environ too, also once the application has returned.
        if any(value is exchange.environ for value in frame.f_locals.values()):
            return True
        frame = frame.f_back
    return False


def mark_given_up(exchange: Exchange) -> None:
    """Let is_given_up() know it, wherever its environ is."""
    exchange.environ[_GIVEN_UP] = True


def is_given_up(frame: FrameType | None) -> bool:
    """Whether *frame* is inside a request that was marked so."""
    while frame is not None:
        if any(type(value) is dict and _GIVEN_UP in value for value in frame.f_locals.values()):
            return True
        frame = frame.f_back
    return False


def _greenlets() -> Iterator[Any]:
    module = sys.modules.get("greenlet")
    if module is not None:
        for each in gc.get_objects():
            if isinstance(each, module.greenlet):
                yield each


def _text(frame: FrameType) -> str:
    return "".join(traceback.format_stack(frame))


def register_dump() -> None:
    """Let DUMP write the stacks of all threads on stderr; from C, so no lock is needed."""
    faulthandler.register(DUMP, file=2, all_threads=True)


def leave_soon(seconds: float) -> None:
    """End this process in *seconds* whatever happens meanwhile."""
    start_new_thread(_leave, (monotonic() + seconds,))


def _leave(when: float) -> None:
    sleep(max(0.0, when - monotonic()))
    os._exit(0)


def say(message: str) -> None:
    """Write on stderr without its lock, which a stuck thread may hold."""
    with contextlib.suppress(OSError):
        if STDERR.takes():
            words = f"gunwale[{os.getpid()}]: {message.rstrip()}\n"
            os.write(2, words.encode("utf-8", "backslashreplace"))
