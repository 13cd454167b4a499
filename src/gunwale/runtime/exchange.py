"""One request and its response, watched from start_response to the closed iterable (PEP 3333)."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.runtime.request_id import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextvars import Token
    from wsgiref.types import StartResponse

    from gunwale.runtime.scoreboard import Slot

    ExceptionInfo = Any
    Write = Callable[[bytes], object]


# Every status a server may send (RFC 9110 §15); what is none counts as the application's fault.
_CODES = {str(code): code for code in range(100, 600)}


class Surroundings(NamedTuple):
    """What all exchanges of a process share; *spellings*: how an application may write *field*."""

    field: str
    spellings: frozenset[str]
    slot: Slot | None
    watcher: Callable[[Exchange], None] | None


class Exchange:
    """The state of one request; *sent* counts body bytes the server took, None where it sent a file.

    *status* is 0 until start_response; *cut*: closed by the server before its end. *begun* is of
    time.monotonic_ns(), *taken* nanoseconds, known once it is closed. It is also the body
    that the server gets for a list of one block, as most applications answer: one object less a request.
    """

    # Class attributes for what most requests never change: fewer stores on the hot path.
    status = 0
    sent: int | None = 0
    headers: Sequence[tuple[str, str]] = ()
    _blocks: list[bytes]
    error: str | None = None
    cut = False
    taken = 0
    is_probe = False
    _is_over = False

    def __init__(
        self,
        environ: dict[str, Any],
        start_response: StartResponse,
        request_id: str,
        surroundings: Surroundings,
    ) -> None:
        self.environ = environ
        self._start_response = start_response
        self.request_id = request_id
        self._around = surroundings
        self.begun = begun = monotonic_ns()
        slot = surroundings.slot
        if slot is not None:
            self._entry = entry = slot.begin(request_id, begun)
            slot.owners[entry] = self
        self._token: Token[str] = current.set(request_id)

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: ExceptionInfo = None) -> Write:
        """Be the application's start_response: add the request's id, unless the application did."""
        field, spellings, _, _ = self._around
        for name, _ in headers:
            if name in spellings:
                break
        else:
            # A new list: the application may keep its own and use it again.
            headers = [*headers, (field, self.request_id)]
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            try:
                self._write = self._start_response(status, headers, exc_info)
            finally:
                exc_info = None  # PEP 3333: no circular reference through the traceback
        self.status = _CODES.get(status[:3], 500)
        self.headers = headers
        return self.write

    def write(self, data: bytes) -> None:
        """Send a block the old way, as the callable that start_response returns."""
        self._write(data)
        if self.sent is not None:
            self.sent += len(data)

    def body(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Return what the server is to send: *result*, watched."""
        if type(result) is list and len(result) == 1:
            self._blocks = result
            return self
        wrapper = self.environ.get("wsgi.file_wrapper")
        # uWSGI's is a function, not a type.
        if isinstance(wrapper, type) and isinstance(result, wrapper) and self._follow(result):
            return result
        if hasattr(result, "__len__"):
            return SizedBody(self, result)
        return Body(self, result)

    def __iter__(self) -> Iterator[bytes]:
        # One block: the server takes it whole or not at all.
        self.sent = (self.sent or 0) + len(self._blocks[0])
        return iter(self._blocks)

    def __len__(self) -> int:
        return 1

    def _follow(self, file: Any) -> bool:
        # Of its own type still, so that the server's isinstance() finds it and uses sendfile.
        close = getattr(file, "close", None)

        def close_and_end() -> None:
            if self._is_over:
                return
            try:
                if close is not None:
                    close()
            finally:
                self.close()

        try:
            file.close = close_and_end
        except (AttributeError, TypeError):
            return False
        self.sent = None
        return True

    def fail(self, error: BaseException) -> None:
        """Note that the application raised."""
        self.error = type(error).__name__
        self.cut = False
        # PEP 3333: the fields go out with the first body bytes; before them the server answers 500.
        if not self.sent:
            self.status = 500

    def close(self) -> None:
        """Take the request off the scoreboard and report it, once."""
        if self._is_over:
            return
        self._is_over = True
        try:
            self.taken = taken = monotonic_ns() - self.begun
            _, _, slot, watcher = self._around
            if slot is not None:
                slot.owners[self._entry] = None
                slot.end(self._entry, self.status or 500, taken)
            if watcher is not None:
                watcher(self)
        finally:
            try:  # noqa: SIM105 - suppress() costs half a microsecond a request
                current.reset(self._token)
            except ValueError:
                # Closed by another thread than the one that began: there is nothing to reset here.
                pass


class Body:
    """The application's iterable, counted; closed once, and the exchange ended with it."""

    __slots__ = ("_exchange", "_is_closed", "_iterable")

    def __init__(self, exchange: Exchange, iterable: Iterable[bytes]) -> None:
        self._exchange = exchange
        self._iterable = iterable
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        exchange = self._exchange
        # Until the end is reached, a close() from the server means that the client has gone.
        exchange.cut = True
        sent = exchange.sent or 0
        try:
            for chunk in self._iterable:
                yield chunk
                sent += len(chunk)
                exchange.sent = sent
        except Exception as error:
            exchange.fail(error)
            raise
        exchange.cut = False

    def close(self) -> None:
        """Close the application's iterable, once whatever the server does, and end the exchange."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()
        except Exception as error:
            self._exchange.fail(error)
            raise
        finally:
            self._exchange.close()


class SizedBody(Body):
    """An iterable with a length, from which servers learn that one block is all there is."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._iterable)  # type: ignore[arg-type]  # made for iterables that have one
