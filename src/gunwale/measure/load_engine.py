"""The load generator's loop: one thread, non-blocking sockets, requests sent at their time whatever happens.

Nothing here waits for an answer before the next request leaves, and latency counts from the intended
time: a server that stalls is seen to stall (no coordinated omission).
"""

from __future__ import annotations

import errno
import heapq
import queue
import secrets
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field

from gunwale.measure.load_exchange import Exchange
from gunwale.measure.load_profile import Profile, in_turn
from gunwale.measure.load_report import Kind, Outcome, Record, Result, Seconds, percentile
from gunwale.measure.target import Target

_SWEEP = 0.05  # seconds between looks at the deadlines
_UNIX_RETRY = 0.002  # seconds: a full queue of a Unix socket says EAGAIN and cannot be waited for
_AT_ONCE = 32  # requests launched before sockets are looked at again, should we be behind
_REFUSED_PAUSE = 0.05  # seconds: a closed loop must not spin on a port nobody listens on


@dataclass(slots=True, kw_only=True)
class Client:
    """A client that keeps its connection; *due* is the intended time of its next request."""

    number: int
    due: Seconds
    socket: socket.socket | None = None
    connected: Seconds | None = None
    free_since: Seconds = 0.0


@dataclass(slots=True, kw_only=True)
class Burst:
    """*count* connections at once; *is_sent* is set when each has written or failed."""

    count: int
    exchanges: list[Exchange] = field(default_factory=list)
    is_sent: threading.Event = field(default_factory=threading.Event)


class Engine:
    """Runs one Profile in the calling thread until told to stop."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.target = Target.parse(profile.target)
        self.has_started = threading.Event()
        self._orders: queue.SimpleQueue[Burst | Seconds] = queue.SimpleQueue()
        self._waker, self._wakened = socket.socketpair()
        self._wakened.settimeout(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakened, selectors.EVENT_READ)
        self._asks = in_turn(profile.mix)
        self._run_id = secrets.token_hex(4)
        self._count = 0
        self._live: set[Exchange] = set()
        self._waiting: list[Exchange] = []
        self._bursts: list[Burst] = []
        self._clients: list[tuple[Seconds, int, Client]] = []
        self._records: list[Record] = []
        self._lags: list[Seconds] = []
        self._idle_closes = 0
        self._stop_by: Seconds | None = None

    def order(self, order: Burst | Seconds) -> None:
        """From any thread: send a burst, or stop within so many seconds."""
        self._orders.put(order)
        self._waker.send(b"!")

    def run(self) -> Result:
        """Send until a stop is ordered and nothing is outstanding, or its time is up."""
        started, cpu = time.monotonic(), time.thread_time()
        spacing = self.profile.keepalive_spacing
        for number in range(self.profile.keepalive_clients):
            # Spread over the spacing: clients in step would be a burst of their own.
            due = started + spacing * number / self.profile.keepalive_clients
            heapq.heappush(self._clients, (due, number, Client(number=number, due=due, free_since=due)))
        due, swept = started, started
        self.has_started.set()
        try:
            while self._stop_by is None or (self._live and time.monotonic() < self._stop_by):
                due = self._launch_due(due)
                self._turn(due)
                if time.monotonic() - swept >= _SWEEP:
                    swept = time.monotonic()
                    self._sweep(swept)
            stopped = time.monotonic()
        finally:
            self._close()
        return Result(
            started=started,
            stopped=stopped,
            lag_p50=percentile(self._lags, 0.5),
            lag_p99=percentile(self._lags, 0.99),
            lag_max=max(self._lags, default=0.0),
            cpu=(time.thread_time() - cpu) / max(stopped - started, 1e-9),
            idle_closes=self._idle_closes,
            records=tuple(self._records),
        )

    def _launch_due(self, due: Seconds) -> Seconds:
        """Send all whose time has come; return the schedule's next time."""
        if self._stop_by is not None:
            return due
        now = time.monotonic()
        for _ in range(_AT_ONCE):
            if not self.profile.rate or due > now:
                break
            self._launch(Kind.FRESH, due)
            due += 1 / self.profile.rate
        while self._clients and self._clients[0][0] <= now:
            client = heapq.heappop(self._clients)[2]
            intended = client.due if self.profile.keepalive_spacing else max(client.due, client.free_since)
            self._launch(Kind.KEEPALIVE, intended, client)
        return due

    def _turn(self, due: Seconds) -> None:
        """Wait for the next thing to happen or to do, and let it happen."""
        now = time.monotonic()
        wait = _SWEEP
        if self._stop_by is None and self.profile.rate:
            wait = min(wait, due - now)
        if self._stop_by is None and self._clients:
            wait = min(wait, self._clients[0][0] - now)
        if self._waiting:
            wait = min(wait, _UNIX_RETRY)
        for key, _ in self._selector.select(max(wait, 0)):
            if isinstance(key.data, Exchange):
                self._advance(key.data)
            elif isinstance(key.data, Client):
                self._drop_idle(key.data)
            else:
                self._take_orders()
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for exchange in waiting:
                self._connect(exchange)
        if self._bursts:
            self._acknowledge_bursts()

    def _take_orders(self) -> None:
        self._wakened.recv(4096)
        while not self._orders.empty():
            order = self._orders.get()
            now = time.monotonic()
            if isinstance(order, Burst):
                order.exchanges = [self._launch(Kind.BURST, now) for _ in range(order.count)]
                self._bursts.append(order)
            else:
                self._stop_by = now + order

    def _acknowledge_bursts(self) -> None:
        for burst in tuple(self._bursts):
            if all(exchange.has_left for exchange in burst.exchanges):
                burst.is_sent.set()
                self._bursts.remove(burst)

    def _launch(self, kind: Kind, intended: Seconds, client: Client | None = None) -> Exchange:
        ask = next(self._asks)
        self._count += 1
        now = time.monotonic()
        exchange = Exchange(ask, kind, intended, now)
        exchange.id = f"{self._run_id}-{self._count:08d}"
        keep = client is not None and self.profile.keepalive_spacing > 0
        exchange.payload = memoryview(ask.payload(self.target.host, exchange.id, keep=keep))
        self._live.add(exchange)
        # A keep-alive client held up by its own last answer is the server's doing, not a lag of ours.
        self._lags.append(now - max(intended, client.free_since if client else intended))
        if client is not None:
            exchange.client = client
            if client.socket is not None and self._is_still_open(client):
                exchange.reuse(client.socket, client.connected)
                self._advance(exchange)
                return exchange
        self._connect(exchange)
        return exchange

    def _connect(self, exchange: Exchange) -> None:
        try:
            sock = socket.socket(self.target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            code = sock.connect_ex(self.target.address)
        except OSError as error:
            exchange.fail(Outcome.CLIENT_ERROR, error)
            self._finish(exchange)
            return
        if code == errno.EAGAIN and self.target.family == socket.AF_UNIX:
            sock.close()
            self._waiting.append(exchange)
            return
        exchange.socket = sock
        if code == errno.EINPROGRESS:
            self._selector.register(sock, selectors.EVENT_WRITE, exchange)
            return
        exchange.connect_ended(code)
        self._advance(exchange)

    def _advance(self, exchange: Exchange) -> None:
        """Let an exchange do what its socket allows, then watch for what it needs next."""
        wanted = exchange.advance()
        if not wanted and exchange.is_reused and exchange.sent is None:
            # Reset while nothing was asked on it, noticed only now: an idle close like the others.
            assert exchange.client is not None
            self._drop_idle(exchange.client)
            exchange.start_over()
            self._connect(exchange)
            return
        if not wanted:
            self._finish(exchange)
            return
        assert exchange.socket is not None
        watched = self._selector.get_map().get(exchange.socket)
        if watched is None:
            self._selector.register(exchange.socket, wanted, exchange)
        elif watched.events != wanted or watched.data is not exchange:
            self._selector.modify(exchange.socket, wanted, exchange)

    def _finish(self, exchange: Exchange) -> None:
        self._live.discard(exchange)
        record = exchange.record()
        self._records.append(record)
        client, sock = exchange.client, exchange.socket
        exchange.socket = None
        is_kept = client is not None and record.outcome in {Outcome.OK, Outcome.STATUS_ERROR}
        is_kept = is_kept and not exchange.answer.closes and exchange.is_written
        is_kept = is_kept and self.profile.keepalive_spacing > 0
        if client is not None:
            client.socket, client.connected = (sock, exchange.connected) if is_kept else (None, None)
            client.free_since = record.finished
            client.due += self.profile.keepalive_spacing
            if record.outcome is Outcome.REFUSED and not self.profile.keepalive_spacing:
                client.due = record.finished + _REFUSED_PAUSE
            heapq.heappush(self._clients, (client.due, client.number, client))
        if sock is None:
            return
        if is_kept:
            self._selector.modify(sock, selectors.EVENT_READ, client)
        else:
            self._forget(sock)

    def _is_still_open(self, client: Client) -> bool:
        assert client.socket is not None
        try:
            client.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        self._drop_idle(client)
        return False

    def _drop_idle(self, client: Client) -> None:
        """Close a connection the server closed, or wrote to, while nothing was asked on it."""
        if client.socket is not None:
            self._idle_closes += 1
            self._forget(client.socket)
            client.socket = client.connected = None

    def _forget(self, sock: socket.socket) -> None:
        if sock in self._selector.get_map():
            self._selector.unregister(sock)
        sock.close()

    def _sweep(self, now: Seconds) -> None:
        for exchange in tuple(self._live):
            if exchange.is_late(now, self.profile.connect_timeout, self.profile.response_timeout):
                exchange.fail(Outcome.TIMEOUT)
                self._waiting = [other for other in self._waiting if other is not exchange]
                self._finish(exchange)

    def _close(self) -> None:
        for exchange in tuple(self._live):
            exchange.fail(Outcome.UNFINISHED)
            self._finish(exchange)
        for _, _, client in self._clients:
            if client.socket is not None:
                self._forget(client.socket)
        for burst in self._bursts:
            burst.is_sent.set()
        self._selector.close()
        self._waker.close()
        self._wakened.close()
