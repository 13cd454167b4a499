"""PID 1: owns the sockets, starts generations of a server, drains them, and answers the admin port.

The rule: drain outside the server, and stop a server that has nothing left to do; then it no longer
matters how badly it stops. Standard library only; the application is never imported here.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from gunwale.plan import budget
from gunwale.runtime.scoreboard import BUCKETS, FAILED, OK, UNCHECKED, UNKNOWN, Scoreboard, State
from gunwale.serve import admin, control
from gunwale.serve.door import Door, DoorError, open_doors
from gunwale.serve.drain import accept_queue, look
from gunwale.serve.generation import Generation, describe, private_memory, reap

if TYPE_CHECKING:
    from collections.abc import Callable

TICK = 0.02
QUIET = 0.1
"""Seconds for which nothing may be owed before the server is stopped."""
KILL_AFTER = 3.0
"""Seconds from SIGTERM to SIGKILL, for a server that has nothing left to do."""
DEATHS, DEATHS_WITHIN = 5, 60.0
SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGTTIN", "SIGTTOU", "SIGCHLD")


def say(message: str) -> None:
    """Write a log line on stderr; a closed or full stderr never ends serve."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    try:
        os.write(2, f"{stamp} gunwale[{os.getpid()}]: {message}\n".encode())
    except OSError:
        return


class Supervisor:
    """One serve, from its first socket to its exit status."""

    def __init__(self, handover: dict[str, Any], handover_fd: int) -> None:
        self.plan: dict[str, Any] = handover["plan"]
        self.command: dict[str, Any] = handover["command"]
        self.capacity: dict[str, Any] = handover["capacity"]
        self.board = Scoreboard.create(slots=self.command["slots"], entries=self.command["entries"])
        self.doors: list[Door] = []
        self.generation = Generation(0, [])
        self.number = 0
        self.exit_status: int | None = None
        self.counters = {
            "gunwale_reloads_total": 0.0,
            "gunwale_drains_total": 0.0,
            "gunwale_requests_cut_total": 0.0,
        }
        self._deaths: list[float] = []
        self._without_server = time.monotonic()
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self._selector = selectors.DefaultSelector()
        self._admin: socket.socket | None = None
        self._clients: dict[int, admin.Client] = {}
        self._lock: socket.socket | None = None
        self._stop_deadline = 0.0
        self._quiet_since: float | None = None
        self._drain_began = 0.0
        self._interrupts = 0
        lifeline, self._lifeline_held = os.pipe()
        self._woken, wakeup = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wakeup, False)
        self._inherited = {
            "handover": handover_fd,
            "scoreboard": self.board.fd,
            "lifeline": lifeline,
            "wakeup": wakeup,
        }
        self.pages = {
            self.plan["health.liveness_path"]: self.liveness,
            self.plan["health.readiness_path"]: self.readiness,
            "/metrics": self.metrics,
        }

    def run(self) -> int:
        """Serve until told to stop; the exit status."""
        self._take_signals()
        try:
            self.doors = open_doors(self.plan["serve.bind"])
            self._lock = control.take(self.doors[0].text)
            self._admin = admin.listen(self.plan["serve.admin_bind"])
        except DoorError as error:
            say(f"{error.where}: {error.message}\n  hint: {error.hint}")
            for door in self.doors:
                door.release()
            return 3 if error.in_use else 2
        if self._admin is not None:
            self._selector.register(self._admin, selectors.EVENT_READ, self._accept_admin)
        self._selector.register(self._woken, selectors.EVENT_READ, self._on_wakeup)
        self._start([door.admit() for door in self.doors])
        while self.exit_status is None:
            self._turn()
        return self.exit_status

    def _take_signals(self) -> None:
        self._signal_end, signal_out = socket.socketpair()
        self._signal_end.settimeout(0)
        signal_out.settimeout(0)
        self._signal_out = signal_out
        for name in SIGNALS:
            signal.signal(getattr(signal, name), lambda _number, _frame: None)
        signal.set_wakeup_fd(signal_out.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._signal_end, selectors.EVENT_READ, self._on_signals)

    def _turn(self) -> None:
        now = time.monotonic()
        for name, (when, action) in list(self._timers.items()):
            if when <= now:
                del self._timers[name]
                action()
        if self.exit_status is not None:
            return
        until = min((when for when, _ in self._timers.values()), default=None)
        for key, _ in self._selector.select(None if until is None else max(0.0, until - time.monotonic())):
            key.data()

    def _later(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self._timers[name] = (time.monotonic() + seconds, action)

    # Starting

    def _start(self, members: list[socket.socket]) -> None:
        self.number += 1
        self.generation = Generation(self.number, members)
        self.board.reset(self.number)
        # One worker first: it shows that the application starts, and it is the one measured.
        self.board.set_target(self.number, 1)
        self.generation.start(self.command, self._inherited)

    def _on_wakeup(self) -> None:
        try:
            while os.read(self._woken, 4096):
                pass
        except BlockingIOError:
            pass
        booted = [worker for worker in self.board.workers(self.number) if worker.booted]
        if self.board.state == State.STARTING and booted and self.generation.status is None:
            for door, member in zip(self.doors, self.generation.members, strict=True):
                door.shift(member, self.plan["serve.backlog"])
            self.board.state = State.SERVING
            took = time.monotonic() - self.generation.started
            where = ", ".join(door.text for door in self.doors)
            say(f"serving on {where}: generation {self.number}, first worker booted in {took:.2f} s")
            if self._admin is not None:
                say(f"admin port on {admin.text(self._admin)}: {', '.join(self.pages)}")
            self._scale(booted[0].pid)

    def _scale(self, first: int) -> None:
        workers = self.plan["serve.workers"]
        measured = private_memory(first)
        if workers == "auto":
            workers, why, _ = budget.workers(
                cpu=self.capacity["cpu"],
                memory=self.capacity["memory"],
                parent=sum(private_memory(pid) or 0 for pid in (os.getpid(), self.generation.pid)),
                worker_memory=None if measured is None else int(measured * budget.WORKER_MARGIN),
            )
            say(f"workers: {workers} ({why})")
        elif measured and self.capacity["memory"] and workers * measured > 0.8 * self.capacity["memory"]:
            mib = 1 << 20
            say(
                f"warning: {workers} workers of {measured / mib:.0f} MiB each pass 80 % of the memory limit"
                f" of {self.capacity['memory'] / mib:.0f} MiB; the number is yours and stands"
            )
        self._set_workers(min(workers, self.board.slots))

    def _set_workers(self, workers: int) -> None:
        self.board.set_target(self.number, workers)
        if self.command["scale_signal"]:
            self.generation.signal(signal.Signals[self.command["scale_signal"]])

    # Signals

    def _on_signals(self) -> None:
        try:
            numbers = self._signal_end.recv(4096)
        except BlockingIOError:
            return
        for number in numbers:
            getattr(self, f"_on_{signal.Signals(number).name.lower()}")()

    def _on_sigterm(self) -> None:
        self.stop("SIGTERM", self.plan["serve.lame_duck"])

    def _on_sigint(self) -> None:
        self._interrupts += 1
        if self._interrupts > 1 and os.isatty(2):
            self._on_sigquit()
        else:
            self.stop("SIGINT", 0.0)

    def _on_sigquit(self) -> None:
        say("stopping at once")
        self._name_cut()
        self._stop_server(quick=True)

    def _on_sighup(self) -> None:
        say("SIGHUP: this version cannot reload; the running generation stays as it is")

    def _on_sigttin(self) -> None:
        self._set_workers(min(self.board.target(self.number) + 1, self.board.slots))

    def _on_sigttou(self) -> None:
        self._set_workers(max(self.board.target(self.number) - 1, 1))

    def _on_sigchld(self) -> None:
        for pid, status in reap():
            if pid == self.generation.pid:
                self.generation.status = status
                self._without_server = time.monotonic()
                if self.board.state < State.STOPPING:
                    self._on_death(status)

    def _on_death(self, status: int) -> None:
        if self.board.state == State.STARTING:
            say(f"the server ended before a worker was up ({describe(status)}): its own words are above")
            self._leave(3)
            return
        if self.board.state >= State.LAME_DUCK:
            say(f"the server ended while draining ({describe(status)})")
            self._stop_server(quick=True)
            return
        now = time.monotonic()
        self._deaths = [*(death for death in self._deaths if death > now - DEATHS_WITHIN), now]
        if len(self._deaths) >= DEATHS:
            say(f"the server ended {DEATHS} times in {DEATHS_WITHIN:.0f} s ({describe(status)}): giving up")
            self._leave(3)
            return
        wait = min(0.1 * 2 ** (len(self._deaths) - 1), 10.0)
        say(f"the server ended ({describe(status)}); starting it again in {wait:.1f} s")
        self.generation.kill()  # workers that outlived their master
        self._later("restart", wait, self._restart)

    def _restart(self) -> None:
        if self.board.state < State.LAME_DUCK:
            # On the same sockets: what waits in their queues is served by the new one.
            self.board.state = State.STARTING
            self._start(self.generation.members)

    # Stopping

    def stop(self, why: str, lame_duck: float) -> None:
        """Begin the end: lame duck, sink, drain, stop."""
        if self.board.state >= State.LAME_DUCK:
            return
        if self.board.state == State.STARTING:
            say(f"{why} before the first worker was up: stopping")
            self._stop_server(quick=True)
            return
        say(f"{why}: draining" + (f", lame duck for {lame_duck:g} s" if lame_duck else ""))
        self.counters["gunwale_drains_total"] += 1
        self.board.state = State.LAME_DUCK
        self._later("sink", lame_duck, self._close_doors)

    def _close_doors(self) -> None:
        self.board.state = State.DRAINING
        self._drain_began = time.monotonic()
        self._stop_deadline = self._drain_began + self.plan["serve.drain_timeout"]
        try:
            for door in self.doors:
                door.close()
        except OSError as error:
            say(f"the door cannot be closed from outside ({error}): the server's own drain is used")
            self._stop_server(quick=False)
            return
        self._check_drain()

    def _check_drain(self) -> None:
        now = time.monotonic()
        owed, busy = self._owed(silence_over=now - self._drain_began > 5), self.board.busy(self.number)
        if busy or owed != "none":
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        if self._quiet_since is not None and now - self._quiet_since >= QUIET:
            say(f"drained in {now - self._drain_began:.2f} s; stopping the server")
            self._stop_server(quick=False)
        elif now >= self._stop_deadline:
            say(f"drain_timeout: {busy} in requests; connections: {owed}")
            self._name_cut()
            self._stop_server(quick=True)
        else:
            self._later("drain", TICK, self._check_drain)

    def _owed(self, *, silence_over: bool) -> str:
        try:
            return str(look(self.generation.members, silence_over=silence_over))
        except OSError:
            return "none"  # sock_diag is not there: the scoreboard alone decides

    def _name_cut(self) -> None:
        now = time.monotonic()
        for running in self.board.running(self.number):
            self.counters["gunwale_requests_cut_total"] += 1
            pid, seconds = running.pid, now - running.started
            say(f"cut: request {running.request_id or '?'} in worker {pid} after {seconds:.1f} s")

    def _stop_server(self, *, quick: bool) -> None:
        if self.board.state == State.STOPPING and not quick:
            return
        self.board.state = State.STOPPING
        self._timers.clear()
        self.generation.signal(signal.Signals[self.command["quick_signal"]] if quick else signal.SIGTERM)
        self._later("kill", 1.0 if quick else KILL_AFTER, self.generation.kill)
        self._await_end()

    def _await_end(self) -> None:
        if not self.generation.is_gone:
            self._later("end", TICK, self._await_end)
        elif "leaving" in self._owed(silence_over=True) and time.monotonic() < self._stop_deadline:
            # A container's network goes with PID 1: what the kernel still has to send would be lost.
            self._later("end", TICK, self._await_end)
        else:
            self._leave(0)

    def _leave(self, status: int) -> None:
        self.generation.kill()
        for door, member in zip(self.doors, self.generation.members, strict=True):
            door.retire(member)
        for door in self.doors:
            door.release()
        say(f"stopped, exit status {status}")
        self.exit_status = status

    # The admin port

    def _accept_admin(self) -> None:
        assert self._admin is not None
        try:
            sock, _ = self._admin.accept()
        except OSError:
            return
        if len(self._clients) >= admin.CONNECTIONS:
            sock.close()
            return
        client = admin.Client(sock)
        fd = sock.fileno()
        self._clients[fd] = client
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._read_admin(fd))
        self._later(f"admin {fd}", admin.PATIENCE, lambda: self._drop_admin(fd))
        self._read_admin(fd)

    def _read_admin(self, fd: int) -> None:
        if self._clients[fd].read(self.pages):
            self._drop_admin(fd)

    def _drop_admin(self, fd: int) -> None:
        client = self._clients.pop(fd)
        self._timers.pop(f"admin {fd}", None)
        self._selector.unregister(client.sock)
        client.sock.close()

    def liveness(self) -> admin.Answer:
        """Alive, unless no server has existed for ready_timeout or every worker is stuck.

        It never asks a dependency: a restart does not mend a database.
        """
        now = time.monotonic()
        gone = self.generation.status is not None
        if gone and now - self._without_server > self.plan["rollout.ready_timeout"]:
            return admin.verdict(503, "no server", seconds=round(now - self._without_server, 1))
        workers = self.board.workers(self.number)
        stuck = 2 * self.plan["serve.request_timeout"]
        running = self.board.running(self.number)
        stuck_pids = {request.pid for request in running if now - request.started > stuck}
        if workers and all(
            worker.pid in stuck_pids and worker.busy >= self.command["concurrency"] for worker in workers
        ):
            return admin.verdict(503, "every worker is stuck", seconds=stuck)
        return admin.verdict(200, "alive")

    def readiness(self) -> admin.Answer:
        """Ready for traffic: serving, a worker booted, and the latest checks well and fresh."""
        state = self.board.state
        if state != State.SERVING:
            return admin.verdict(503, state.name.lower().replace("_", " "))
        if not any(worker.booted for worker in self.board.workers(self.number)):
            return admin.verdict(503, "no worker")
        health = self.board.health(self.number)
        stale = time.monotonic() - health.checked_at > 3 * self.plan["health.interval"]
        word = {UNCHECKED: "ready", UNKNOWN: "not checked yet", FAILED: "failed", OK: "ready"}[health.status]
        if stale and health.status in {OK, FAILED}:
            word = "stale"
        return admin.verdict(
            200 if word == "ready" else 503, word, **({"detail": health.detail} if health.detail else {})
        )

    def metrics(self) -> admin.Answer:
        """Everything the scoreboard and the sockets tell."""
        workers = self.board.workers(self.number)
        gauges: dict[str, float] = {
            "gunwale_requests_in_flight": sum(worker.busy for worker in workers),
            'gunwale_workers{state="busy"}': sum(worker.busy > 0 for worker in workers),
            'gunwale_workers{state="booted"}': sum(worker.booted for worker in workers),
            "gunwale_workers_target": self.board.target(self.number),
            "gunwale_generation": self.number,
        }
        for door, member in zip(self.doors, self.generation.members, strict=True):
            gauges[f'gunwale_accept_queue{{address="{door.text}"}}'] = accept_queue(member)
        for state in State:
            gauges[f'gunwale_state{{state="{state.name.lower()}"}}'] = state == self.board.state
        return admin.Answer(
            200,
            "text/plain; version=0.0.4",
            admin.metrics(self.board.totals(), BUCKETS, gauges, self.counters),
        )


def main() -> None:
    """Run as ``python -m gunwale.serve.supervisor FD``, where FD holds the hand-over's JSON."""
    fd = int(sys.argv[1])
    os.set_inheritable(fd, 0)
    handover = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
    sys.exit(Supervisor(handover, fd).run())


if __name__ == "__main__":
    main()
