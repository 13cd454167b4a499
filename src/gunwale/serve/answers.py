"""What the supervisor tells of itself: health, readiness, metrics, status."""

from __future__ import annotations

import os
import time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from gunwale.runtime.scoreboard import BUCKETS, FAILED, OK, UNCHECKED, UNKNOWN, State
from gunwale.serve import admin
from gunwale.serve.drain import accept_queue

if TYPE_CHECKING:
    from gunwale.serve.generation import Generation
    from gunwale.serve.supervisor import Supervisor


class Answers:
    """The answers for one supervisor; nothing here changes anything."""

    def __init__(self, serve: Supervisor) -> None:
        self._serve = serve

    def liveness(self) -> admin.Answer:
        """Alive, unless no server has existed for ready_timeout or every worker is stuck.

        It never asks a dependency: a restart does not mend a database.
        """
        now = time.monotonic()
        if self._serve.generation.status is not None:
            seconds = now - self._serve.without_server
            if seconds > self._serve.plan["rollout.ready_timeout"]:
                return admin.verdict(503, "no server", seconds=round(seconds, 1))
        stuck = now - 2 * self._serve.plan["serve.request_timeout"]
        running = self._serve.board.running(self._serve.generation.number)
        workers = self._serve.board.workers(self._serve.generation.number)
        late = [request.pid for request in running if request.started < stuck]
        most = self._serve.command["concurrency"]
        if workers and all(late.count(worker.pid) >= most for worker in workers):
            return admin.verdict(503, "every worker is stuck")
        return admin.verdict(200, "alive")

    def readiness(self) -> admin.Answer:
        """Ready for traffic: serving, a worker booted, and the latest checks well and fresh."""
        state = self._serve.board.state
        if state != State.SERVING:
            return admin.verdict(503, state.name.lower().replace("_", " "))
        if not any(worker.booted for worker in self._serve.board.workers(self._serve.generation.number)):
            return admin.verdict(503, "no worker")
        health = self._serve.board.health(self._serve.generation.number)
        stale = time.monotonic() - health.checked_at > 3 * self._serve.plan["health.interval"]
        word = {UNCHECKED: "ready", UNKNOWN: "not checked yet", OK: "ready"}.get(health.status, "failed")
        if stale and health.status in {OK, FAILED}:
            word = "stale"
        detail = {"detail": health.detail} if health.detail else {}
        return admin.verdict(200 if word == "ready" else 503, word, **detail)

    def metrics(self) -> admin.Answer:
        """Everything the scoreboard and the sockets tell."""
        serve, generation = self._serve, self._serve.generation
        workers, totals = serve.board.workers(generation.number), serve.board.totals()
        bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
        counts = list(accumulate(totals.histogram))
        buckets = [(f'_bucket{{le="{bound}"}}', n) for bound, n in zip(bounds, counts, strict=True)]
        queues = [
            (f'{{address="{door.text}"}}', accept_queue(member))
            for door, member in zip(serve.doors, generation.members, strict=True)
        ]
        by_state = [("busy", sum(w.busy > 0 for w in workers)), ("booted", sum(w.booted for w in workers))]
        states = [(f'{{state="{state.name.lower()}"}}', int(state == serve.board.state)) for state in State]
        answered = [(f'{{class="{index}xx"}}', n) for index, n in enumerate(totals.by_class, 1)]
        sums = [("_sum", round(totals.seconds, 6)), ("_count", counts[-1])]
        families: list[tuple[str, str, list[tuple[str, float]]]] = [
            ("gunwale_requests_total", "counter", [*answered]),
            ("gunwale_request_duration_seconds", "histogram", [*buckets, *sums]),
            ("gunwale_requests_in_flight", "gauge", [("", sum(w.busy for w in workers))]),
            ("gunwale_workers", "gauge", [(f'{{state="{state}"}}', n) for state, n in by_state]),
            ("gunwale_workers_target", "gauge", [("", serve.board.target(generation.number))]),
            ("gunwale_accept_queue", "gauge", [*queues]),
            ("gunwale_generation", "gauge", [("", generation.number)]),
            ("gunwale_state", "gauge", [*states]),
        ]
        families += [(name, "counter", [("", value)]) for name, value in serve.counters.items()]
        return admin.Answer(200, "text/plain; version=0.0.4", admin.metrics(families))

    def status(self) -> dict[str, Any]:
        """Everything `gunwale status` shows; times by time.monotonic(), which is the machine's."""
        serve = self._serve

        def facts(generation: Generation, role: str) -> dict[str, Any]:
            number, board = generation.number, serve.board
            return {
                "generation": number,
                "role": role,
                "pid": generation.pid,
                "workers": [worker._asdict() for worker in board.workers(number)],
                "running": [request._asdict() for request in board.running(number)],
            }

        return {
            "state": serve.board.state.name.lower(),
            "pid": os.getpid(),
            "bind": [door.text for door in serve.doors],
            "admin_bind": serve.admin or None,
            "plan_file": serve.plan_file,
            "requests": serve.board.totals().requests,
            "generations": [facts(*each) for each in serve.generations().items()],
        }
