"""What a load sends: kinds of requests, their mix, their pace."""

from __future__ import annotations

import heapq
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Self

from gunwale.errors import ConfigurationError, Problem
from gunwale.measure.load_report import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

Seconds = float

UNSAFE_TO_REPEAT = frozenset({"POST", "PATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of request of a mix, asked *weight* times as often as one of weight 1.

    ``{id}`` in *path*, *body* and the values of *fields* becomes the request's unique id; a POST carries it
    as Idempotency-Key in any case. *size* appends that many filler bytes to the body (an upload).
    *read_pace* and *send_pace* are bytes a second at which the answer is read and the body sent, 0 as fast
    as they go. *expect* names the statuses that are well: "2xx" a class, "404" one.
    """

    path: str = "/"
    method: str = "GET"
    weight: int = 1
    body: str = ""
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    read_pace: int = 0
    send_pace: int = 0
    expect: tuple[str, ...] = ("2xx", "3xx", "4xx")

    @property
    def is_paced(self) -> bool:
        """Whether its client is slow on purpose, so that its latency is its own doing."""
        return bool(self.read_pace or self.send_pace)

    @property
    def kind(self) -> Kind | None:
        """The kind of its records, None where it depends on who sends it."""
        if self.read_pace:
            return Kind.SLOW
        return Kind.UPLOAD if self.send_pace else None

    def expects(self, status: int) -> bool:
        """Whether an answer with *status* is well."""
        return f"{status // 100}xx" in self.expect or str(status) in self.expect

    def payload(self, host: str, identity: str, *, keep: bool) -> bytes:
        """Return the request's bytes; *keep* asks for the connection to stay open."""
        body = self.body.replace("{id}", identity).encode() + b"x" * self.size
        named = {name.lower() for name in self.fields}
        lines = [f"{self.method} {self.path.replace('{id}', identity)} HTTP/1.1"]
        lines += [f"Host: {host}"] if "host" not in named else []
        lines += ["User-Agent: gunwale-load"] if "user-agent" not in named else []
        lines.append(f"Connection: {'keep-alive' if keep else 'close'}")
        lines += [f"{name}: {value.replace('{id}', identity)}" for name, value in self.fields.items()]
        if self.method in UNSAFE_TO_REPEAT and "idempotency-key" not in named:
            lines.append(f"Idempotency-Key: {identity}")
        if body or self.method in UNSAFE_TO_REPEAT:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What to send, where, and how long to be patient.

    *rate*: requests a second of the schedule, each on a connection of its own; 0 for none.
    *keepalive_clients* each send every *keepalive_spacing* seconds on their own connection and reconnect
    when the server closed it; a spacing of 0 is a closed loop for measuring capacity: each asks again as
    soon as it has its answer, on a new connection, as the schedule does. They never take a paced request.
    *connect_timeout* may be long: an attempt whose SYN is dropped is allowed to wait. *response_timeout* is
    for the whole answer, of a paced request for the time in which nothing moves.
    *spool*: a file that records go to instead of memory, for runs of hours.
    """

    target: str
    rate: float = 0.0
    mix: tuple[Ask, ...]
    keepalive_clients: int = 0
    keepalive_spacing: Seconds = 0.5
    connect_timeout: Seconds = 30.0
    response_timeout: Seconds = 30.0
    spool: str = ""

    def checked_unpaced(self) -> tuple[Ask, ...]:
        """Return what keep-alive clients may send. Raises ConfigurationError for a mix of no use."""
        unpaced = tuple(ask for ask in self.mix if not ask.is_paced)
        clients = self.keepalive_clients
        if not self.mix:
            message, hint = "has no request", "nothing would be sent, and nothing shown"
        elif clients and not unpaced:
            message = f"has slow requests only, and {clients} keep-alive clients"
            hint = "add a request without read_pace and send_pace, which they can send"
        else:
            return unpaced
        raise ConfigurationError(Problem(where="mix", message=message, hint=hint))

    def to_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read what ``to_json`` wrote."""
        data = json.loads(line)
        mix = (Ask(**ask | {"expect": tuple(ask["expect"])}) for ask in data.pop("mix"))
        return cls(mix=tuple(mix), **data)


def in_turn(mix: tuple[Ask, ...]) -> Iterator[Ask]:
    """Yield asks by weight, evenly interleaved, the same in every run."""
    # The k-th request of weight w is due at (2k + 1) / 2w. From a count, not added up: nothing drifts.
    turns = [(1 / (2 * ask.weight), index, 0) for index, ask in enumerate(mix)]
    heapq.heapify(turns)
    while True:
        _, index, count = turns[0]
        ask = mix[index]
        heapq.heapreplace(turns, ((2 * count + 3) / (2 * ask.weight), index, count + 1))
        yield ask
