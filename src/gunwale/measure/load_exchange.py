"""One request on its way: connecting, writing, reading, and how it ended."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from typing import TYPE_CHECKING

from gunwale.measure.load_http import Answer, MalformedError
from gunwale.measure.load_report import Kind, Outcome, Record, Seconds

if TYPE_CHECKING:
    from gunwale.measure.load_engine import Client
    from gunwale.measure.load_profile import Ask

_CHUNK = 256 * 1024
_MAX_STATUS_OK = 499
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
        "is_reused",
        "kind",
        "launched",
        "offset",
        "outcome",
        "payload",
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

    def advance(self) -> int:
        """Do what is possible now; return the selector events to wait for, 0 when it has ended."""
        assert self.socket is not None
        if self.connected is None and self.outcome is None:
            self.connect_ended(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if self.outcome is None and self.sent is not None:
            self._read()
        if self.outcome is None and not self.is_written:
            self._write()
        if self.outcome is not None:
            return 0
        return selectors.EVENT_READ | (0 if self.is_written else selectors.EVENT_WRITE)

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
        return now - max(self.connected, self.launched) > response_timeout

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
        try:
            self.offset += self.socket.send(self.payload[self.offset :])
        except BlockingIOError:
            return
        except OSError as error:
            # A server may answer and close before it has read everything: its answer counts.
            self._read()
            if self.outcome in {None, Outcome.EOF}:
                self._fail_with(error.errno)
            return
        if self.sent is None:
            self.sent = time.monotonic()

    def _read(self) -> None:
        assert self.socket is not None
        while self.outcome is None:
            try:
                data = self.socket.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail_with(error.errno)
                return
            try:
                is_complete = self.answer.feed(data) if data else self.answer.feed_end()
            except MalformedError as error:
                self.fail(Outcome.MALFORMED)
                self.error = str(error)
                return
            if is_complete:
                assert self.answer.status is not None
                is_ok = self.answer.status <= _MAX_STATUS_OK
                self.fail(Outcome.OK if is_ok else Outcome.STATUS_ERROR)
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
