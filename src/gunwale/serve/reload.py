"""A reload that cannot take the site down: a second generation is proven before it gets any traffic.

Whatever goes wrong, the new generation is stopped, its last words are told, and the old one never noticed.
"""

from __future__ import annotations

import selectors
import time
from typing import TYPE_CHECKING

from gunwale.runtime.scoreboard import State
from gunwale.serve.generation import Generation, available_memory, private_memory

if TYPE_CHECKING:
    import socket

    from gunwale.serve.supervisor import Supervisor, Tell

SETTLE = 3.0
"""Seconds that every new worker must live before it gets traffic: a crash after boot is a failed boot."""
_PAUSE = 0.1
_MIB = 1 << 20


def refuses(serve: Supervisor) -> str | None:
    """Say why there can be no second generation now, or None; memory that is not known is no reason."""
    if serve.board.state != State.SERVING:
        return f"serve is {serve.board.state.name.lower().replace('_', ' ')}"
    if serve.reload or serve.endings:
        return "another reload is under way: try again when it has ended"
    if not all(door.steers for door in serve.doors):
        return "connections are not steered here, and it would lose requests: restart instead"
    pids = {worker.pid for worker in serve.board.workers(serve.generation.number)}
    needed = sum(private_memory(pid) or 0 for pid in pids | {serve.generation.pid})
    limit, free = serve.capacity["memory"], available_memory()
    if limit is not None and 2 * needed > limit:
        room = f"two generations take {2 * needed / _MIB:.0f} MiB, and the limit is {limit / _MIB:.0f} MiB"
        return f"not enough memory: {room}"
    if free is not None and needed > free:
        room = f"a second generation takes {needed / _MIB:.0f} MiB, and {free / _MIB:.0f} MiB are available"
        return f"not enough memory: {room}"
    return None


class Reload:
    """One reload, from its start to the shift or to the failure that *tell* hears of.

    *tell* gets ``{"say": line}`` any number of times and ``{"exit": 0 or 1}`` once.
    """

    def __init__(self, serve: Supervisor, generation: Generation, tell: Tell) -> None:
        self.generation = generation
        self._serve, self._tell = serve, tell
        self._deadline = time.monotonic() + serve.plan["rollout.ready_timeout"]
        self._pids: set[int] = set()
        self._settled_at = 0.0
        self._is_ready = False
        self._probe: socket.socket | None = None
        self._said = ""
        self.has_ended = False
        self._watch()

    def _watch(self) -> None:
        """Look at the new workers, now and every tenth of a second, until they are proven or have failed."""
        serve, number, now = self._serve, self.generation.number, time.monotonic()
        booted = {worker.pid for worker in serve.board.workers(number) if worker.booted}
        if self._pids - booted:
            self.fail("a worker of the new version died")
        elif now > self._deadline:
            missing = "its workers did not boot" if not self._pids else f"it did not get ready {self._said}"
            self.fail(f"{missing} within ready_timeout ({serve.plan['rollout.ready_timeout']:g} s)")
        elif not self._pids:
            if len(booted) >= serve.board.target(number):
                self._pids, self._settled_at = booted, now + SETTLE
                for door, member in zip(serve.doors, self.generation.members, strict=True):
                    door.listen(member, serve.plan["serve.backlog"])
                self._ask()
        elif self._is_ready and now >= self._settled_at:
            self._end()
            serve.shift(self.generation, self._tell)
        if not self.has_ended:
            serve.later("reload", _PAUSE, self._watch)

    def _ask(self) -> None:
        """Ask the new generation whether it is ready, past everybody else's traffic."""
        if self.has_ended:
            return
        host = (self._serve.plan["security.trusted_hosts"] or ["localhost"])[0].lstrip(".")
        path = self._serve.plan["health.readiness_path"]
        try:
            self._probe = self._serve.doors[0].ask(self.generation.members[0])
            self._probe.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        except OSError as error:
            self._said = f"({error})"
            self._drop_probe()
            self._serve.later("reload probe", _PAUSE, self._ask)
            return
        self._serve.selector.register(self._probe, selectors.EVENT_READ, self._hear)
        self._serve.later("reload probe", self._serve.plan["health.timeout"], self._ask_again)

    def _hear(self) -> None:
        assert self._probe is not None
        try:
            status = self._probe.recv(65536)[:12].decode("latin-1").partition(" ")[2]
        except OSError as error:
            status = str(error)
        self._said = f"({self._serve.plan['health.readiness_path']} answered {status or 'nothing'})"
        self._is_ready = status == "200"
        self._drop_probe()
        if self._is_ready:
            self._serve.forget("reload probe")
        else:
            self._serve.later("reload probe", _PAUSE, self._ask)

    def _ask_again(self) -> None:
        self._said = f"({self._serve.plan['health.readiness_path']} did not answer in time)"
        self._drop_probe()
        self._ask()

    def _drop_probe(self) -> None:
        if self._probe is not None:
            if self._probe in self._serve.selector.get_map():
                self._serve.selector.unregister(self._probe)
            self._probe.close()
            self._probe = None

    def _end(self) -> None:
        self.has_ended = True
        self._drop_probe()
        self._serve.forget("reload")
        self._serve.forget("reload probe")

    def fail(self, reason: str) -> None:
        """Stop the new generation, tell its last words, and leave everything as it was."""
        if self.has_ended:
            return
        self._end()
        for line in self.generation.last_words():
            self._tell({"say": f"  | {line}"})
        serving = self._serve.generation.number
        verdict = f"reload failed: {reason}; generation {serving} serves on, unchanged"
        self._serve.announce(verdict, self._tell)
        self._serve.end(self.generation, self._give_up).stop(quick=True)

    def _give_up(self) -> None:
        self._serve.retire(self.generation)
        self._tell({"exit": 1})
