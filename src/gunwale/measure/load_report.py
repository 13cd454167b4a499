"""What a load generator saw: one record a request, and the questions asked of them afterwards."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

Seconds = float

# Beyond these the generator itself was the bottleneck. An idle two-core machine keeps a thousand requests a
# second within single milliseconds (docs/load.md); a quarter of a second is as long as a slow answer.
MOST_LAG: Seconds = 0.25
MOST_CPU = 0.9  # of one core, which is all that one thread can have


class Outcome(StrEnum):
    """How one request ended, as its client saw it."""

    OK = "ok"
    STATUS_ERROR = "status-error"  # a complete answer whose status is not an expected one
    REFUSED = "refused"  # nobody listens: nothing was accepted, a client may try elsewhere
    RESET = "reset"
    EOF = "eof"  # closed before the head of the answer was complete
    TRUNCATED = "truncated"  # closed inside the body
    TIMEOUT = "timeout"
    MALFORMED = "malformed"  # an answer that is not HTTP/1
    UNFINISHED = "unfinished"  # the load was stopped before the answer came
    CLIENT_ERROR = "client-error"  # this machine's fault (no descriptor, no port): nothing is proven


class Kind(StrEnum):
    """Why a request was sent."""

    FRESH = "fresh"  # of the schedule, on a connection of its own
    BURST = "burst"  # on demand, on a connection of its own
    KEEPALIVE = "keepalive"  # by a client that keeps its connection while the server does
    SLOW = "slow"  # as fresh, by a client that reads the answer at a pace
    UPLOAD = "upload"  # as fresh, by a client that sends the body at a pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One request. Times are ``time.monotonic()``, comparable between processes of one machine.

    *intended* is the schedule's time, *sent* when the first byte was written, *connected* when the
    connection in use was established (for a reused one: long before), *finished* when the outcome was known.
    *error* is the exact socket error or the fault of the answer. *task* is who answered, as the balancer of
    a rehearsal says in X-Gunwale-Task; empty where nobody said.
    """

    id: str
    kind: Kind
    method: str
    path: str
    client: int = -1
    reused: bool = False
    intended: Seconds
    connected: Seconds | None = None
    sent: Seconds | None = None
    finished: Seconds
    outcome: Outcome
    error: str = ""
    status: int | None = None
    request_id: str = ""
    task: str = ""
    body_bytes: int = 0

    @property
    def is_accepted(self) -> bool:
        """Whether the connection had been established."""
        return self.connected is not None

    @property
    def is_sent(self) -> bool:
        """Whether any byte of the request was written."""
        return self.sent is not None

    @property
    def is_broken(self) -> bool:
        """Whether the connection was accepted and the request nevertheless failed."""
        return self.is_accepted and self.outcome is not Outcome.OK

    @property
    def latency(self) -> Seconds:
        """From the intended time: a stall counts in full for each request that fell into it."""
        return self.finished - self.intended

    @property
    def is_paced(self) -> bool:
        """Whether its client was slow on purpose, so that its latency says nothing of the server."""
        return self.kind in {Kind.SLOW, Kind.UPLOAD}

    @classmethod
    def from_row(cls, row: Sequence[Any], names: Sequence[str] = ()) -> Self:
        """Read the values of the fields *names*; of all, in their order, without names."""
        values = dict(zip(names or RECORD_FIELDS, row, strict=True))
        return cls(**values | {"kind": Kind(values["kind"]), "outcome": Outcome(values["outcome"])})

    def is_in_flight_at(self, moment: Seconds) -> bool:
        """Whether the request was sent on an accepted connection and not finished at *moment*."""
        return self.sent is not None and self.sent <= moment < self.finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All records of one load, and how well the generator itself kept its times.

    *lag_p50*, *lag_p99*, *lag_max*: by how much requests left later than planned for reasons of the
    generator (the percentiles within 2 %). *behind*: how late the schedule was when told to stop. *cpu* is
    the generator's own share of one core. *idle_closes* counts keep-alive connections the server closed
    while nothing was asked on them, which fails nothing.
    """

    started: Seconds
    stopped: Seconds
    lag_p50: Seconds
    lag_p99: Seconds
    lag_max: Seconds
    behind: Seconds = 0.0
    cpu: float
    idle_closes: int
    records: Sequence[Record]

    def bottleneck(self) -> tuple[str, ...]:
        """Return why the generator was the bottleneck; if it was, nothing here is to be believed.

        A load that came late, or not whole, was not the load that was asked for, and what it lost, or did
        not lose, was lost by something else than the server.
        """
        wants = self.counts().get(Outcome.CLIENT_ERROR, 0)
        reasons = (
            (self.lag_p99 > MOST_LAG, f"requests left {self.lag_p99 * 1e3:.0f} ms late (p99 of its own lag)"),
            (self.behind > MOST_LAG, f"it was {self.behind * 1e3:.0f} ms behind when it stopped"),
            (self.cpu > MOST_CPU, f"it used {self.cpu:.0%} of a core"),
            (wants > 0, f"{wants} requests failed on this machine, for want of descriptors or ports"),
        )
        return tuple(reason for is_so, reason in reasons if is_so)

    def counts(self) -> dict[str, int]:
        """Return how many requests ended in each way; absent is none."""
        return dict(Counter(str(record.outcome) for record in self.records))

    def failed(self) -> tuple[Record, ...]:
        """Return every record that is not ok, in the order of their ends."""
        return tuple(record for record in self.records if record.outcome is not Outcome.OK)

    def latency(self, share: float) -> Seconds:
        """Return the latency that *share* (0 to 1) of the answered requests, not paced, stayed within."""
        return percentile([r.latency for r in self.records if r.status is not None and not r.is_paced], share)

    def in_flight_at(self, moment: Seconds) -> tuple[Record, ...]:
        """Return the requests sent on an accepted connection and not finished at *moment*."""
        return tuple(record for record in self.records if record.is_in_flight_at(moment))

    def lost_in_flight_at(self, moment: Seconds) -> tuple[Record, ...]:
        """Return those of the requests in flight at *moment* that failed."""
        return tuple(record for record in self.in_flight_at(moment) if record.is_broken)

    def broken_after(self, moment: Seconds) -> tuple[Record, ...]:
        """Return what was accepted and then broken, without being in flight at *moment*.

        That is every failure on a connection of its own, or newly opened by a keep-alive client, whose
        request was not sent by *moment*; connections never accepted are not among them.
        """
        return tuple(
            record
            for record in self.records
            if record.is_broken
            and record.finished > moment
            and not record.reused
            and not record.is_in_flight_at(moment)
        )

    def broken_reused_after(self, moment: Seconds) -> tuple[Record, ...]:
        """Return the failures of requests sent after *moment* on a connection kept from an earlier one."""
        return tuple(
            record
            for record in self.records
            if record.is_broken
            and record.finished > moment
            and record.reused
            and not record.is_in_flight_at(moment)
        )

    def broken_clients_after(self, moment: Seconds) -> tuple[int, ...]:
        """Return the numbers of keep-alive clients for which any accepted request failed after *moment*."""
        return tuple(
            sorted(
                {
                    record.client
                    for record in self.records
                    if record.kind is Kind.KEEPALIVE and record.is_broken and record.finished > moment
                }
            )
        )

    def failed_before(self, moment: Seconds) -> tuple[Record, ...]:
        """Return what failed by *moment*: anything here makes the rest hard to believe."""
        return tuple(record for record in self.failed() if record.finished <= moment)

    def slowest(self) -> Record | None:
        """Return the answered request of the longest latency."""
        answered = [r for r in self.records if r.outcome is Outcome.OK and not r.is_paced]
        return max(answered, key=lambda record: record.latency, default=None)

    def to_json(self) -> str:
        """Return one line of JSON; records are rows in the order of ``record_fields``."""
        head = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "records"}
        rows = [row_of(record) for record in self.records]
        return json.dumps(head | {"record_fields": RECORD_FIELDS, "records": rows}, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read what ``to_json`` wrote."""
        data = json.loads(line)
        names: list[str] = data.pop("record_fields")
        return cls(records=tuple(Record.from_row(row, names) for row in data.pop("records")), **data)


RECORD_FIELDS = tuple(field.name for field in fields(Record))
# Not dataclasses.astuple, which copies each value: 88 µs a record, and 0.3 this way (2026-11-28).
row_of = attrgetter(*RECORD_FIELDS)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile, 0.0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
