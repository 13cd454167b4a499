"""One request on its way: connecting, writing, reading, and how it ended."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from typing import TYPE_CHECKING

from gunwale.measure.load_http import Answer, MalformedError
from gunwale.measure.load_pace import Pace
from gunwale.measure.load_report import Kind, Outcome, Record, Seconds

if TYPE_CHECKING:
    from gunwale.measure.load_clients import Client
    from gunwale.measure.load_profile import Ask

_CHUNK = 256 * 1024
# ENOENT: the path of a Unix socket is gone, which is how nobody listens there.
_REFUSED = frozenset({errno.ECONNREFUSED, errno.ENOENT})
_RESET = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})


class Exchange:
    """A request from its intended time to its outcome, driven by readiness."""

    __slots__ = (
        "answer",
        "ask",
        "client",
        "connected",
        "error",
        "finished",
        "id",
        "intended",
        "is_paused",
        "is_reused",
        "kind",
        "launched",
        "moved",
        "offset",
        "outcome",
        "payload",
        "reading",
        "sending",
        "sent",
        "socket",
    )

    def __init__(self, ask: Ask, kind: Kind, intended: Seconds, launched: Seconds) -> None:
        self.ask = ask
        self.kind = kind
        self.intended = intended
        self.launched = launched
        self.id = ""
        self.payload = memoryview(b"")
        self.offset = 0
        self.answer = Answer(ask.method)
        self.client: Client | None = None
        self.socket: socket.socket | None = None
        self.is_reused = False
        self.connected: Seconds | None = None
        self.sent: Seconds | None = None
        self.finished: Seconds = 0.0
        self.outcome: Outcome | None = None
        self.error = ""
        self.reading = Pace(ask.read_pace) if ask.read_pace else None
        self.sending = Pace(ask.send_pace) if ask.send_pace else None
        self.moved: Seconds = 0.0  # when a paced one last got on
        self.is_paused = False  # known to the engine as one to be looked at when resumes_at() has come

    @property
    def has_left(self) -> bool:
        """Whether the request is being written, or has failed."""
        return self.sent is not None or self.outcome is not None

    @property
    def is_written(self) -> bool:
        """Whether all of the request has been written."""
        return self.offset == len(self.payload)

    def reuse(self, sock: socket.socket, connected: Seconds | None) -> None:
        """Use a kept connection, established at *connected*."""
        self.socket, self.connected, self.is_reused = sock, connected, True

    def start_over(self) -> None:
        """Forget a kept connection that was lost before anything was written on it."""
        self.socket = self.connected = self.outcome = None
        self.is_reused, self.error = False, ""

    def connect_ended(self, code: int) -> None:
        """Take the result of connect(), an errno or 0."""
        if code == 0:
            self.connected = time.monotonic()
        else:
            self._fail_with(code)

    def resumes_at(self, now: Seconds) -> Seconds | None:
        """Return when a paced request may go on, None if nothing but its socket holds it up."""
        times = []
        if self.reading is not None and self.reading.next_at > now:
            times.append(self.reading.next_at)
        if self.sending is not None and not self.is_written and self.sending.next_at > now:
            times.append(self.sending.next_at)
        return min(times, default=None)

    def wanted(self, now: Seconds) -> int:
        """Return the selector events to wait for, 0 while its pace alone holds it up: `resumes_at`."""
        is_reading = self.reading is None or self.reading.next_at <= now
        is_writing = not self.is_written and (self.sending is None or self.sending.next_at <= now)
        return (selectors.EVENT_READ if is_reading else 0) | (selectors.EVENT_WRITE if is_writing else 0)

    def advance(self) -> None:
        """Do what is possible now; it may have ended then."""
        assert self.socket is not None
        if self.connected is None and self.outcome is None:
            self.connect_ended(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if self.outcome is None and self.sent is not None:
            self._read()
        if self.outcome is None and not self.is_written:
            self._write()

    def fail(self, outcome: Outcome, error: OSError | None = None) -> None:
        """End it for a reason that is not the peer's doing, or its silence."""
        self.outcome = outcome
        self.finished = time.monotonic()
        if error is not None:
            self.error = _name(error.errno)

    def is_late(self, now: Seconds, connect_timeout: Seconds, response_timeout: Seconds) -> bool:
        """Whether a timeout has passed: of the connect, or of the answer since the request left."""
        if self.connected is None:
            return now - self.launched > connect_timeout
        return now - max(self.connected, self.launched, self.moved) > response_timeout

    def record(self) -> Record:
        """Return what became of it."""
        assert self.outcome is not None
        return Record(
            id=self.id,
            kind=self.kind,
            method=self.ask.method,
            path=self.ask.path,
            client=self.client.number if self.client else -1,
            reused=self.is_reused,
            intended=self.intended,
            connected=self.connected,
            sent=self.sent,
            finished=self.finished,
            outcome=self.outcome,
            error=self.error,
            status=self.answer.status,
            request_id=self.answer.request_id,
            task=self.answer.task,
            body_bytes=self.answer.body_bytes,
        )

    def _write(self) -> None:
        assert self.socket is not None
        rest = self.payload[self.offset :]
        if self.sending is not None:
            now = time.monotonic()
            if self.sending.next_at > now:
                return
            # The head goes at once: its pace is that of another kind of client.
            rest = rest[: self.sending.piece] if self.offset else rest[: self._head_length()]
        try:
            count = self.socket.send(rest)
        except BlockingIOError:
            return
        except OSError as error:
            # A server may answer and close before it has read everything: its answer counts.
            self._read()
            if self.outcome in {None, Outcome.EOF}:
                self._fail_with(error.errno)
            return
        self.offset += count
        if self.sent is None:
            self.sent = time.monotonic()
        if self.sending is not None:
            self.moved = now
            self.sending.passed(count, now)

    def _head_length(self) -> int:
        return bytes(self.payload[:_CHUNK]).index(b"\r\n\r\n") + 4

    def _read(self) -> None:
        assert self.socket is not None
        size = _CHUNK if self.reading is None else self.reading.piece
        while self.outcome is None:
            if self.reading is not None and self.reading.next_at > time.monotonic():
                return
            try:
                data = self.socket.recv(size)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail_with(error.errno)
                return
            if self.reading is not None:
                self.moved = time.monotonic()
                self.reading.passed(len(data), self.moved)
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            is_complete = self.answer.feed(data) if data else self.answer.feed_end()
        except MalformedError as error:
            self.fail(Outcome.MALFORMED)
            self.error = str(error)
            return
        if is_complete:
            assert self.answer.status is not None
            self.fail(Outcome.OK if self.ask.expects(self.answer.status) else Outcome.STATUS_ERROR)
        elif not data:
            self.fail(Outcome.TRUNCATED if self.answer.has_head else Outcome.EOF)

    def _fail_with(self, code: int | None) -> None:
        self.error = _name(code)
        self.finished = time.monotonic()
        if code in _EXHAUSTED:
            self.outcome = Outcome.CLIENT_ERROR
        elif code in _REFUSED and self.connected is None:
            self.outcome = Outcome.REFUSED
        elif code == errno.ETIMEDOUT:
            self.outcome = Outcome.TIMEOUT
        elif code in _RESET:
            self.outcome = Outcome.RESET
        else:
            self.outcome = Outcome.CLIENT_ERROR


def _name(code: int | None) -> str:
    return "" if code is None else f"{errno.errorcode.get(code, code)}: {os.strerror(code)}"
