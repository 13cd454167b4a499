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
from typing import TYPE_CHECKING

from gunwale.measure.load_clients import Burst, Client, Progress
from gunwale.measure.load_exchange import Exchange
from gunwale.measure.load_pace import Pauses
from gunwale.measure.load_profile import in_turn
from gunwale.measure.load_report import Kind, Outcome, Result, Seconds
from gunwale.measure.load_sockets import Sockets, connect
from gunwale.measure.load_tally import Tally
from gunwale.measure.target import Target

if TYPE_CHECKING:
    from gunwale.measure.load_profile import Profile

_SWEEP = 0.05  # seconds between looks at the deadlines
_UNIX_RETRY = 0.002  # seconds: a full queue of a Unix socket says EAGAIN and cannot be waited for
_AT_ONCE = 32  # requests launched before sockets are looked at again, should we be behind
_REFUSED_PAUSE = 0.05  # seconds: a closed loop must not spin on a port nobody listens on


class Engine:
    """Runs one Profile in the calling thread until told to stop."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.target = Target.parse(profile.target)
        unpaced = profile.checked_unpaced()
        self.has_started = threading.Event()
        self._orders: queue.SimpleQueue[Burst | Seconds] = queue.SimpleQueue()
        self._waker, self._wakened = socket.socketpair()
        self._wakened.settimeout(0)
        self._sockets = Sockets()
        self._sockets.watch(self._wakened, selectors.EVENT_READ, self)
        self._asks = in_turn(profile.mix)
        self._asks_of_clients = in_turn(unpaced)
        self._run_id = secrets.token_hex(4)
        self._count = 0
        self._live: set[Exchange] = set()
        self._waiting: list[Exchange] = []
        self._bursts: list[Burst] = []
        self._clients: list[tuple[Seconds, int, Client]] = []
        self._pauses = Pauses()
        self._tally = Tally(profile.spool)
        self._idle_closes = 0
        self._stop_by: Seconds | None = None
        self._behind = 0.0

    def order(self, order: Burst | Seconds) -> None:
        """From any thread: send a burst, or stop within so many seconds."""
        self._orders.put(order)
        self._waker.send(b"!")

    def progress(self) -> Progress:
        """From any thread: how far it has come."""
        return Progress(
            at=time.monotonic(),
            sent=self._count,
            finished=self._tally.outcomes.total(),
            failed=self._tally.failed,
            lag_p99=self._tally.lags.percentile(0.99),
        )

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
        lags = self._tally.lags
        return Result(
            started=started,
            stopped=stopped,
            lag_p50=lags.percentile(0.5),
            lag_p99=lags.percentile(0.99),
            lag_max=lags.most,
            behind=self._behind,
            cpu=(time.thread_time() - cpu) / max(stopped - started, 1e-9),
            idle_closes=self._idle_closes,
            records=self._tally.records(),
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
        self._behind = max(0.0, now - due) if self.profile.rate else 0.0
        while self._clients and self._clients[0][0] <= now:
            client = heapq.heappop(self._clients)[2]
            intended = client.due if self.profile.keepalive_spacing else max(client.due, client.free_since)
            self._launch(Kind.KEEPALIVE, intended, client)
        return due

    def _next_at(self, due: Seconds) -> Seconds:
        """Return when there is something to do of ourselves."""
        now = time.monotonic()
        times = [now + _SWEEP, self._pauses.next_at()]
        if self._stop_by is None and self.profile.rate:
            times.append(due)
        if self._stop_by is None and self._clients:
            times.append(self._clients[0][0])
        if self._waiting:
            times.append(now + _UNIX_RETRY)
        return min(times)

    def _turn(self, due: Seconds) -> None:
        """Wait for the next thing to happen or to do, and let it happen."""
        for owner in self._sockets.ready(self._next_at(due) - time.monotonic()):
            if isinstance(owner, Exchange):
                self._advance(owner)
            elif isinstance(owner, Client):
                self._drop_idle(owner)
            else:
                self._take_orders()
        for exchange in self._pauses.due():
            self._advance(exchange)
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
        ask = next(self._asks if client is None else self._asks_of_clients)
        self._count += 1
        now = time.monotonic()
        exchange = Exchange(ask, ask.kind or kind, intended, now)
        exchange.id = f"{self._run_id}-{self._count:08d}"
        keep = client is not None and self.profile.keepalive_spacing > 0
        exchange.payload = memoryview(ask.payload(self.target.host, exchange.id, keep=keep))
        self._live.add(exchange)
        # A keep-alive client held up by its own last answer is the server's doing, not a lag of ours.
        self._tally.lags.add(now - max(intended, client.free_since if client else intended))
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
            sock, code = connect(self.target, is_slow=exchange.reading is not None)
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
            self._sockets.watch(sock, selectors.EVENT_WRITE, exchange)
            return
        exchange.connect_ended(code)
        self._advance(exchange)

    def _advance(self, exchange: Exchange) -> None:
        """Let an exchange do what its socket allows, then watch for what it needs next."""
        exchange.advance()
        has_ended = exchange.outcome is not None
        if has_ended and exchange.is_reused and exchange.sent is None:
            # Reset while nothing was asked on it, noticed only now: an idle close like the others.
            assert exchange.client is not None
            self._drop_idle(exchange.client)
            exchange.start_over()
            self._connect(exchange)
            return
        if has_ended:
            self._finish(exchange)
            return
        assert exchange.socket is not None
        now = 0.0
        if exchange.ask.is_paced:
            # One moment for both: a pause that ended between two looks would be waited for by neither.
            now = time.monotonic()
            self._pauses.add(exchange, now)
        self._sockets.watch(exchange.socket, exchange.wanted(now), exchange)

    def _finish(self, exchange: Exchange) -> None:
        self._live.discard(exchange)
        record = exchange.record()
        self._tally.add(record)
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
            self._sockets.watch(sock, selectors.EVENT_READ, client)
        else:
            self._sockets.forget(sock)

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
            self._sockets.forget(client.socket)
            client.socket = client.connected = None

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
                self._sockets.forget(client.socket)
        for burst in self._bursts:
            burst.is_sent.set()
        self._sockets.close()
        self._waker.close()
        self._wakened.close()
