"""The moment at which a server closes an idle connection, met by the client's next request.

    python bench/idle_close.py [--seconds 30] [-k gthread]… [--at limit] [--at expiry] [--busy 2]

HTTP has no word for "I close now": a request can cross the close on its way (RFC 9112 §9.6). Here it is made
to, thousands of times: the client learns from each try whether it asked too early (answered) or too late (it
saw the end before it asked), and aims between. Counted are the requests sent on a connection that was open
at the last look: answered; ended without an answer, which a client may ask again; and reset.
At the limit of connections somebody else makes the server close; at expiry it is the keep-alive time.
Exit 1 when a connection was reset.
"""

from __future__ import annotations

import argparse
import heapq
import random
import select
import selectors
import socket
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gunwale.measure.process import OwnedProcess
from gunwale.measure.sigterm import wait_for_answer

if TYPE_CHECKING:
    from bench.bed import say_where, served, verdict
else:
    from bed import say_where, served, verdict

APPLICATIONS = Path(__file__).resolve().parents[1] / "tests" / "conformance" / "applications"
SERVERS = {
    "sync": ("-k", "sync"),
    "gthread": ("-k", "gthread", "--threads", "4"),
    "gevent": ("-k", "gevent"),
    "waitress": ("--server", "waitress", "--threads", "4"),
}
PLACES = {"sync": 189, "gthread": 183, "gevent": 189, "waitress": 61}
"""Connections that one worker with 256 descriptors keeps; one more, and the oldest must go."""
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
SPIN = b"GET /spin?seconds=0.01 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
OUTCOMES = ("answered", "too late", "ended", "reset", "no answer")
CLIENTS = 100
ROUND = {"sync": 1.0, "gthread": 1.5, "gevent": 5.0, "waitress": 4.0}
"""Seconds to try each place once: who was answered has a second, and some servers close several together."""


class Aim:
    """When to ask, in seconds: later after an answer, earlier after an end that was seen; spread around."""

    def __init__(self, at: float, step: float) -> None:
        self._at, self._least = at, step
        self._step, self._last = step, ""

    def next(self) -> float:
        return max(0.0, self._at + random.uniform(-2, 2) * self._least)

    def learn(self, outcome: str) -> None:
        self._step = self._step * 1.5 if outcome == self._last else self._least
        self._last = outcome
        self._at = max(0.0, self._at + {"answered": self._step, "too late": -self._step}.get(outcome, 0.0))


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def is_open(sock: socket.socket) -> bool:
    """Whether no end has come."""
    asked = select.poll()
    asked.register(sock, select.POLLIN | select.POLLRDHUP)
    return not asked.poll(0)


def ask(sock: socket.socket) -> str:
    """Send a request where the connection is open; what is known by then."""
    if not is_open(sock):
        return "too late"
    try:
        sock.sendall(REQUEST)
    except OSError:
        return "reset"
    return ""


def hear(sock: socket.socket) -> tuple[str, bool]:
    """Give the outcome, and whether the connection is kept."""
    try:
        data = sock.recv(65536)
        while data and b"here\n" not in data:
            more = sock.recv(65536)
            data = data + more if more else b""
    except ConnectionError:
        return "reset", False
    except TimeoutError:
        return "no answer", False
    return ("answered", b"onnection: close" not in data) if data else ("ended", False)


def at_the_limit(port: int, name: str, seconds: float) -> Counter[str]:
    """Fill all places; then somebody connects, and who has been idle longest asks."""
    places, are_silent = PLACES[name], name == "sync"
    idle: deque[socket.socket] = deque()
    found: Counter[str] = Counter()
    aim, until = Aim(0.0005, 0.00002), time.monotonic() + seconds
    while time.monotonic() < until:
        while idle and not is_open(idle[0]):
            idle.popleft().close()
        while len(idle) < places and fill(port, idle, is_silent=are_silent):
            pass
        if not idle or not is_open(idle[0]):
            continue
        oldest, turn = idle.popleft(), time.monotonic() + ROUND[name] / places
        newcomer = connect(port)
        moment = time.monotonic() + aim.next()
        while time.monotonic() < moment:
            pass
        outcome, is_kept = ask(oldest), False
        if not outcome:
            outcome, is_kept = hear(oldest)
        found[outcome] += 1
        aim.learn(outcome)
        keep(oldest, idle if is_kept else None)
        is_kept = are_silent or (ask(newcomer) == "" and hear(newcomer)[1])
        keep(newcomer, idle if is_kept else None)
        time.sleep(max(0.0, turn - time.monotonic()))
    for each in idle:
        each.close()
    return found


def fill(port: int, idle: deque[socket.socket], *, is_silent: bool) -> bool:
    sock = connect(port)
    is_kept = is_silent or (ask(sock) == "" and hear(sock)[1])
    keep(sock, idle if is_kept else None)
    return is_kept


def keep(sock: socket.socket, idle: deque[socket.socket] | None) -> None:
    if idle is None:
        sock.close()
    else:
        idle.append(sock)


def at_expiry(port: int, patience: float, seconds: float) -> Counter[str]:
    """Keep many connections, and ask on each when its keep-alive time is just over."""
    found: Counter[str] = Counter()
    selector, until = selectors.DefaultSelector(), time.monotonic() + seconds
    aims = [Aim(patience, 0.002) for _ in range(CLIENTS)]
    due = [(time.monotonic() + patience * n / CLIENTS, n, connect(port)) for n in range(CLIENTS)]

    def went(number: int, sock: socket.socket, outcome: str, *, is_kept: bool, counts: bool) -> None:
        if counts:
            found[outcome] += 1
            aims[number].learn(outcome)
        if not is_kept:
            sock.close()
            sock = connect(port)
        heapq.heappush(due, (time.monotonic() + (aims[number].next() if is_kept else 0), number, sock))

    fresh = {sock for _, _, sock in due}
    while time.monotonic() < until:
        while due and due[0][0] <= time.monotonic():
            _, number, sock = heapq.heappop(due)
            if outcome := ask(sock):
                went(number, sock, outcome, is_kept=False, counts=sock not in fresh)
            else:
                selector.register(sock, selectors.EVENT_READ, number)
        wait = due[0][0] - time.monotonic() if due else 0.1
        for key, _ in selector.select(max(0.0, wait)):
            sock = cast("socket.socket", key.fileobj)
            selector.unregister(sock)
            outcome, is_kept = hear(sock)
            counts = sock not in fresh
            fresh.discard(sock)
            went(key.data, sock, outcome, is_kept=is_kept, counts=counts)
    for _, _, sock in due:
        sock.close()
    return found


def keep_busy(port: int, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with connect(port) as sock:
                sock.sendall(SPIN)
                hear(sock)
        except OSError:
            time.sleep(0.1)


def measure(name: str, at: str, seconds: float, busy: int) -> Counter[str]:
    """Start the server, and meet its closing."""
    keepalive = 1 if at == "expiry" else 75
    settings = (f"serve.keepalive={keepalive}", "serve.access_log=off")
    argv, target = served(*SERVERS[name], "-w", "1", *(word for each in settings for word in ("--set", each)))
    argv[-1] = "probe:application"
    port, stop = int(target.rsplit(":", 1)[1]), threading.Event()
    shell = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", *argv] if at == "limit" else argv
    with (
        tempfile.TemporaryDirectory(prefix="gunwale-bench-") as folder,
        OwnedProcess(shell, log=Path(folder) / "log", cwd=APPLICATIONS) as server,
    ):
        wait_for_answer(server, target, "/")
        threads = [threading.Thread(target=keep_busy, args=(port, stop)) for _ in range(busy)]
        for each in threads:
            each.start()
        try:
            if at == "limit":
                return at_the_limit(port, name, seconds)
            return at_expiry(port, float(keepalive), seconds)
        finally:
            stop.set()
            for each in threads:
                each.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each")
    parser.add_argument("-k", action="append", choices=SERVERS, help="one server or worker class")
    parser.add_argument("--at", action="append", choices=("limit", "expiry"))
    parser.add_argument("--busy", type=int, default=0, help="clients that make it compute all the time")
    asked = parser.parse_args()
    say_where()
    print(" " * 18 + "".join(f"{each:>10}" for each in ("tries", *OUTCOMES)))
    broken = []
    for at in asked.at or ("limit", "expiry"):
        for name in asked.k or SERVERS:
            if (name, at) == ("sync", "expiry"):  # it closes after each answer
                continue
            found = measure(name, at, asked.seconds, asked.busy)
            counts = (found.total(), *(found[each] for each in OUTCOMES))
            print(f"{at + ' ' + name:18}" + "".join(f"{each:>10}" for each in counts), flush=True)
            if found["reset"]:
                broken.append(f"{name}, {at}: {found['reset']} of {found.total()} were reset")
    return verdict(broken)


if __name__ == "__main__":
    sys.exit(main())
