"""PID 1: owns the sockets, starts generations of a server, drains them, and answers the admin port.

The rule: drain outside the server, and stop a server that has nothing left to do; then it no longer
matters how badly it stops. Standard library only; the application is never imported here.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.plan import budget
from gunwale.runtime.scoreboard import Scoreboard, State
from gunwale.runtime.scoreboard_watch import CRASH_LOOP, DUMP, PATIENCE, frozen, retiring
from gunwale.serve import admin, control
from gunwale.serve.answers import Answers
from gunwale.serve.client import ASKING, Client
from gunwale.serve.door import doors
from gunwale.serve.ending import KILL_AFTER, LINGER, Ending
from gunwale.serve.generation import Generation, describe, private_memory, reap
from gunwale.serve.reload import Reload, refuses

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.serve.door import Door

    Tell = Callable[[dict[str, Any]], None]

DEATHS, DEATHS_WITHIN = 5, 60.0
RETRY = 30.0
"""Seconds from a replacement that failed to the next try: the old process serves meanwhile."""
PAUSE = 1.0
"""Seconds until the next try where no connection can be accepted."""
SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGCHLD")
_MIB = 1 << 20


class Supervisor:
    """One serve, from its first socket to its exit status."""

    def __init__(self, handover: dict[str, Any], handover_fd: int) -> None:
        self.plan: dict[str, Any] = handover["plan"]
        self.plan_file: str | None = handover["plan_file"]
        self.command: dict[str, Any] = handover["command"]
        self.capacity: dict[str, Any] = handover["capacity"]
        self.board = Scoreboard.create(slots=self.command["slots"], entries=self.command["entries"])
        self.doors: list[Door] = []
        self.generation = Generation(0, [])
        self.number = 0  # the latest one started
        self.reload: Reload | None = None
        self.endings: list[Ending] = []
        self.exit_status: int | None = None
        self.counters = {f"gunwale_{name}_total": 0 for name in ("reloads", "drains", "requests_cut")}
        self.selector = selectors.DefaultSelector()
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self._deaths: list[float] = []
        self._replace_after = 0.0
        self._is_open = False
        self.admin = ""
        self.without_server = time.monotonic()
        lifeline, self._lifeline_held = os.pipe()
        self._woken, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._inherited = {"handover": handover_fd, "lifeline": lifeline, "wakeup": wakeup}
        self._inherited["scoreboard"] = self.board.fd
        answers = Answers(self)
        self.status = answers.status
        self.pages = {
            self.plan["health.liveness_path"]: answers.liveness,
            self.plan["health.readiness_path"]: answers.readiness,
            "/metrics": answers.metrics,
        }

    def say(self, message: str) -> None:
        """Write a log line on stderr; one that is closed, full or not read never ends or holds serve."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        with contextlib.suppress(OSError):
            if select.select([], [2], [], 0)[1]:
                os.write(2, f"{stamp} gunwale[{os.getpid()}]: {message}\n".encode())

    def run(self) -> int:
        """Serve until told to stop; the exit status."""
        self._take_signals()
        self.doors = doors(
            self.plan["serve.bind"], steers=self.command["steers"], held=self.plan["serve.held"]
        )
        try:
            members = [door.admit() for door in self.doors]
            self._control = control.take(self.doors[0].text)
            if self.plan["serve.admin_bind"] != "off":
                listener, self.admin = admin.listen(self.plan["serve.admin_bind"])
                self._listen(listener, b"\r\n\r\n", self._answer_admin)
        except OSError as error:
            # The command line has looked at every address and explained it: this is a race.
            where = ", ".join([*self.plan["serve.bind"], self.plan["serve.admin_bind"]])
            self.say(f"{where}: cannot be bound: {error.strerror or error}; does another gunwale serve it?")
            return 3 if error.errno == errno.EADDRINUSE else 2
        self._listen(self._control, b"\n", self._answer_control)
        self._watch(self._woken, self._on_wakeup)
        if not self.command["scale_signal"]:  # else the server has a master that does it
            self._tend()
        self._start(members)
        while self.exit_status is None:
            self._turn()
        return self.exit_status

    # The loop

    def _watch(self, source: socket.socket | int, action: Callable[[], None]) -> None:
        self.selector.register(source, selectors.EVENT_READ, action)

    def later(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        """Do *action* in so many seconds; one timer a *name*."""
        self._timers[name] = (time.monotonic() + seconds, action)

    def forget(self, name: str) -> None:
        """Take a timer back."""
        self._timers.pop(name, None)

    def _turn(self) -> None:
        now = time.monotonic()
        for name, (when, action) in list(self._timers.items()):
            if when <= now and self._timers.get(name, (0, None))[1] is action:
                del self._timers[name]
                action()
        if self.exit_status is not None:
            return
        until = min((when for when, _ in self._timers.values()), default=None)
        for key, _ in self.selector.select(None if until is None else max(0.0, until - time.monotonic())):
            if key.fileobj in self.selector.get_map():  # an earlier action may have closed it
                key.data()

    def _take_signals(self) -> None:
        self._signal_end, self._signal_out = socket.socketpair(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        for name in SIGNALS:
            signal.signal(getattr(signal, name), lambda _number, _frame: None)
        signal.set_wakeup_fd(self._signal_out.fileno(), warn_on_full_buffer=False)
        self._watch(self._signal_end, self._on_signals)

    # Starting

    def _next(self, members: list[socket.socket], workers: int) -> Generation:
        self.number += 1
        generation = Generation(self.number, members)
        self.board.reset(self.number)
        self.board.set_target(self.number, workers)
        generation.start(self.command, self._inherited)
        return generation

    def _start(self, members: list[socket.socket]) -> None:
        # One worker first: it shows that the application starts, and it is the one measured.
        try:
            self.generation = self._next(members, 1)
        except OSError as error:  # no descriptor, no memory, or no process is left
            self.say(f"the server cannot be started: {error.strerror}")
            self.generation.members = members
            self._on_death(127)

    def _on_wakeup(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._woken, 4096):
                pass
        if self.board.state == State.STARTING and self.generation.status is None:
            booted = [worker for worker in self.board.workers(self.number) if worker.booted]
            if booted:
                self._open(booted[0].pid)

    def _open(self, first: int) -> None:
        workers = self._workers(first)
        if workers == 1 and self.command["alone"] and self.plan["serve.workers"] == "auto":
            self.say("one worker is all that fits: as gthread with 4 threads, so that no request blocks all")
            self.command = {**self.command, **self.command["alone"], "alone": None}
            members = self.generation.members
            self.end(self.generation, lambda: self._start(members)).stop(quick=True)
            return
        for door, member in zip(self.doors, self.generation.members, strict=True):
            if not self._is_open:  # else a restart, on sockets that are open
                door.listen(member, self.plan["serve.backlog"])
                door.shift(member)
        self._is_open = True
        self.board.state = State.SERVING
        self.generation.forget_words()
        took, where = time.monotonic() - self.generation.started, ", ".join(door.text for door in self.doors)
        self.say(f"serving on {where}: generation {self.number}, first worker booted in {took:.2f} s")
        if self.admin:
            self.say(f"admin port on {self.admin}: {', '.join(self.pages)}")
        control.notify("READY=1")
        self._set_workers(min(workers, self.board.slots))

    def _workers(self, first: int) -> int:
        workers: int | str = self.plan["serve.workers"]
        measured, limit = private_memory(first), self.capacity["memory"]
        if workers == "auto":
            given = self.plan["resources.worker_memory"]
            count, why, _ = budget.workers(
                cpu=self.capacity["cpu"],
                memory=limit,
                parent=sum(private_memory(pid) or 0 for pid in (os.getpid(), self.generation.pid)),
                worker_memory=given or (measured and int(measured * budget.WORKER_MARGIN)),
            )
            self.say(f"workers: {count} ({why})")
            return count
        assert isinstance(workers, int)
        if measured and limit and workers * measured > budget.SHARE_OF_MEMORY * limit:
            taken = f"{workers} workers of {measured / _MIB:.0f} MiB each"
            self.say(f"warning: {taken} pass 80 % of {limit / _MIB:.0f} MiB; the number is yours and stands")
        return workers

    def _set_workers(self, workers: int) -> None:
        self.board.set_target(self.generation.number, workers)
        if self.command["scale_signal"]:
            self.generation.signal(signal.Signals[self.command["scale_signal"]])

    # Signals

    def _on_signals(self) -> None:
        for number in self._signal_end.recv(4096):
            getattr(self, f"_on_{signal.Signals(number).name.lower()}")()

    def _on_sigterm(self) -> None:
        self.stop("SIGTERM", self.plan["serve.lame_duck"])

    def _on_sigint(self) -> None:
        if self.board.state >= State.LAME_DUCK and os.isatty(2):
            self._on_sigquit()
        else:
            self.stop("SIGINT", 0.0)

    def _on_sigquit(self) -> None:
        self.say("stopping at once")
        self._stop_all()

    def _on_sighup(self) -> None:
        self.begin_reload(lambda _line: None)

    def _on_sigttin(self) -> None:
        self._set_workers(min(self.board.target(self.generation.number) + 1, self.board.slots))

    def _on_sigttou(self) -> None:
        self._set_workers(max(self.board.target(self.generation.number) - 1, 1))

    def _on_sigusr1(self) -> None:
        for generation in self.generations():  # log files, if it has any: serve itself writes to none
            generation.signal(signal.SIGUSR1)

    def _on_sigchld(self) -> None:
        for pid, status in reap():
            for generation, role in self.generations().items():
                if generation.pid == pid and generation.status is None:
                    generation.status = status
                    if role == "serving":
                        self._on_death(status)
                    elif self.reload and role == "starting":
                        self.reload.fail(f"the new version's server ended ({describe(status)})")

    def _on_death(self, status: int) -> None:
        now = self.without_server = time.monotonic()
        if self.board.state == State.STARTING and not self._is_open:
            self.say(f"the server ended before a worker was up ({describe(status)}): its own words are above")
            self._leave(3)
            return
        if self.board.state >= State.LAME_DUCK:
            self.say(f"the server ended while draining ({describe(status)})")
            self._stop_all()
            return
        self._deaths = [*(death for death in self._deaths if death > now - DEATHS_WITHIN), now]
        # A master's word is final: it has counted its workers' deaths as these are counted here.
        has_given_up = status == CRASH_LOOP and self.command["scale_signal"]
        if has_given_up or len(self._deaths) >= DEATHS:
            what = "its workers" if has_given_up else "the server"
            self.say(f"{what} died {DEATHS} times in {DEATHS_WITHIN:.0f} s ({describe(status)}): giving up")
            self._leave(3)
            return
        wait = min(0.1 * 2 ** (len(self._deaths) - 1), 10.0)
        self.say(f"the server ended ({describe(status)}); starting it again in {wait:.1f} s")
        # Workers that outlived their master end by themselves, after the request they are in.
        patience = self.plan["serve.request_timeout"] + KILL_AFTER
        self.later(f"kill {self.generation.number}", patience, self.generation.kill)
        self.later("restart", wait, self._restart)

    def _restart(self) -> None:
        if self.board.state < State.LAME_DUCK:
            # On the same sockets: what waits in their queues is served by the new one.
            self.board.state = State.STARTING
            self._start(self.generation.members)

    # Watching over a server that has one process, and no master beside it

    def _tend(self) -> None:
        patience = self.plan["serve.request_timeout"] + PATIENCE
        for generation in self.generations():
            for _, seconds in frozen(self.board, generation.number, patience):
                lost = ", ".join(each.request_id or "?" for each in self.board.running(generation.number))
                what = f"nothing has moved for {seconds:.1f} s, and no Python code can run in it"
                self.say(f"process {generation.pid} is frozen: {what}; lost with it: {lost}; its stacks:")
                generation.signal(DUMP)
                self.later(f"kill {generation.number}", 0.3, generation.kill)  # once it has written
        is_free = self.board.state == State.SERVING and not self.reload and not self.endings
        if (
            is_free
            and time.monotonic() > self._replace_after
            and retiring(self.board, self.generation.number)
        ):
            self.begin_reload(self._on_replaced)
        self.later("tend", 1.0, self._tend)

    def _on_replaced(self, line: dict[str, Any]) -> None:
        if line.get("exit"):
            self._replace_after = time.monotonic() + RETRY

    # Reloading

    def announce(self, message: str, tell: Tell, **more: object) -> None:
        """Say it in the log, and to whoever asked for the reload."""
        self.say(message)
        tell({"say": message, **more})

    def begin_reload(self, tell: Tell) -> None:
        """Start a second generation and let it prove itself; *tell* hears how it goes."""
        if refusal := refuses(self):
            self.announce(f"reload refused: {refusal}", tell, exit=1)
            return
        self.announce(f"reload: generation {self.number + 1} is starting", tell)
        target = self.board.target(self.generation.number)
        try:
            generation = self._next([door.admit() for door in self.doors], target)
        except OSError as error:
            why = f"a second generation cannot be started: {error.strerror}"
            self.announce(f"reload refused: {why}", tell, exit=1)
            return
        self.reload = Reload(self, generation, tell)

    def shift(self, generation: Generation, tell: Tell) -> None:
        """Give *generation* all new connections, and drain the old one."""
        old, self.generation, self.reload = self.generation, generation, None
        for door, member in zip(self.doors, generation.members, strict=True):
            door.shift(member)
        generation.forget_words()
        self.board.close_connections(old.number)
        self.counters["gunwale_reloads_total"] += 1
        took = time.monotonic() - generation.started
        both = f"generation {generation.number} serves, after {took:.1f} s; generation {old.number} drains"
        self.announce(both, tell)

        def ended() -> None:
            self.retire(old)
            self.announce(f"generation {old.number} has ended", tell, exit=0)

        self.end(old, ended).drain(self.plan["serve.drain_timeout"], at_least=LINGER)

    def generations(self) -> dict[Generation, str]:
        """Give every generation that is there, and what it is doing."""
        roles = {self.generation: "serving"} | {ending.generation: "draining" for ending in self.endings}
        return roles | ({self.reload.generation: "starting"} if self.reload else {})

    def retire(self, generation: Generation) -> None:
        """Take the sockets and the records of a finished generation away."""
        for door, member in zip(self.doors, generation.members, strict=True):
            door.retire(member)
        generation.forget_words()
        if self.reload and self.reload.generation is generation:
            self.reload = None

    def end(self, generation: Generation, then: Callable[[], None]) -> Ending:
        """Make the ending of *generation*; serve leaves with its last one, once it has closed its doors."""

        def ended() -> None:
            self.endings.remove(ending)
            then()
            if self.board.state >= State.DRAINING and not self.endings:
                self._leave(0)

        ending = Ending(self, generation, ended)
        self.endings.append(ending)
        return ending

    # Stopping

    def stop(self, why: str, lame_duck: float) -> None:
        """Begin the end: lame duck, sink, drain, stop."""
        if self.board.state >= State.LAME_DUCK:
            return
        control.notify("STOPPING=1")
        if self.reload:
            self.reload.fail(f"{why} came")
        if not self._is_open:
            self.say(f"{why} before the first worker was up: stopping")
            self._stop_all()
            return
        self.say(f"{why}: draining" + (f", lame duck for {lame_duck:g} s" if lame_duck else ""))
        self.counters["gunwale_drains_total"] += 1
        self.board.state = State.LAME_DUCK
        self.forget("restart")
        self.later("sink", lame_duck, self._close_doors)

    def _close_doors(self) -> None:
        self.board.state = State.DRAINING
        ending, by_server = self.end(self.generation, lambda: None), False
        try:
            for door in self.doors:
                door.close()
        except OSError as error:
            self.say(f"the door cannot be closed from outside ({error}): the server's own drain is used")
            by_server = True
        ending.drain(self.plan["serve.drain_timeout"], by_server=by_server)

    def _stop_all(self) -> None:
        self.board.state = State.STOPPING
        self._timers.clear()
        if not any(ending.generation is self.generation for ending in self.endings):
            self.end(self.generation, lambda: None)
        for ending in list(self.endings):
            ending.stop(quick=True)

    def _leave(self, status: int) -> None:
        for generation in self.generations():
            generation.kill()
        for door, member in zip(self.doors, self.generation.members, strict=True):
            door.retire(member)
            door.release()
        self.say(f"stopped, exit status {status}")
        self.exit_status = status

    # The admin port and the control socket

    def _listen(self, listener: socket.socket, end: bytes, answer: Callable[[Client, bytes], None]) -> None:
        """Hear whoever connects, and *answer* each once it has said what it wants."""
        heard: set[str] = set()

        def accept() -> None:
            try:
                client = Client(listener.accept()[0], end)
            except (BlockingIOError, ConnectionError):
                return
            except OSError as error:  # no descriptor is left; the one that waits would wake us at once again
                self.say(f"admin port or control socket: cannot accept: {error.strerror}")
                self.selector.unregister(listener)
                self.later(f"accept {listener.fileno()}", PAUSE, lambda: self._watch(listener, accept))
                return
            if len(heard) >= admin.CONNECTIONS:
                client.sock.close()
            else:
                self._hear(client, heard, answer)

        self._watch(listener, accept)

    def _hear(self, client: Client, heard: set[str], answer: Callable[[Client, bytes], None]) -> None:
        name = f"client {client.sock.fileno()}"

        def leave(said: bytes | None = None) -> None:
            self.forget(name)
            self.selector.unregister(client.sock)
            heard.remove(name)
            if said is None:
                client.sock.close()
            else:
                answer(client, said)

        def hear() -> None:
            if (said := client.hear()) is not None:
                leave(said)

        heard.add(name)
        self._watch(client.sock, hear)
        self.later(name, ASKING, leave)

    def _answer_admin(self, client: Client, said: bytes) -> None:
        client.tell(admin.respond(said, self.pages))

    def _answer_control(self, client: Client, said: bytes) -> None:
        what = control.request(said).get("do") if control.is_friend(client.sock) else None

        def tell(line: dict[str, Any]) -> None:
            client.tell(json.dumps(line).encode() + b"\n", is_last="exit" in line)

        if what == "reload":
            self.begin_reload(tell)
        else:
            tell({"status": self.status(), "exit": 0} if what == "status" else {"exit": 2})


def main() -> None:
    """Run as ``python -m gunwale.serve.supervisor FD``, where FD holds the hand-over's JSON."""
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)  # noqa: FBT003 - os's signature
    handover = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
    status = Supervisor(handover, fd).run()
    with contextlib.suppress(OSError):
        # Else another serve has written its own.
        if (pid_file := Path(handover["pid_file"] or os.devnull)).read_text() == f"{os.getpid()}\n":
            pid_file.unlink()
    sys.exit(status)


if __name__ == "__main__":
    main()
