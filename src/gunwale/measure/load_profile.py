"""What a load sends: kinds of requests, their mix, their pace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Seconds = float

_UNSAFE_TO_REPEAT = frozenset({"POST", "PATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of request of a mix, asked *weight* times as often as one of weight 1.

    ``{id}`` in *path*, *body* and the values of *fields* becomes the request's unique id; a POST carries it
    as Idempotency-Key in any case. *size* appends that many filler bytes to the body (an upload).
    """

    path: str = "/"
    method: str = "GET"
    weight: int = 1
    body: str = ""
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)

    def payload(self, host: str, identity: str, *, keep: bool) -> bytes:
        """Return the request's bytes; *keep* asks for the connection to stay open."""
        body = self.body.replace("{id}", identity).encode() + b"x" * self.size
        lines = [
            f"{self.method} {self.path.replace('{id}', identity)} HTTP/1.1",
            f"Host: {host}",
            "User-Agent: gunwale-load",
            f"Connection: {'keep-alive' if keep else 'close'}",
        ]
        lines += [f"{name}: {value.replace('{id}', identity)}" for name, value in self.fields.items()]
        if self.method in _UNSAFE_TO_REPEAT:
            lines.append(f"Idempotency-Key: {identity}")
        if body or self.method in _UNSAFE_TO_REPEAT:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What to send, where, and how long to be patient.

    *rate*: requests a second of the schedule, each on a connection of its own; 0 for none.
    *keepalive_clients* each send every *keepalive_spacing* seconds on their own connection and reconnect
    when the server closed it; a spacing of 0 is a closed loop for measuring capacity: each asks again as
    soon as it has its answer, on a new connection, as the schedule does. *connect_timeout* may be long: an
    attempt whose SYN is dropped is allowed to wait.
    """

    target: str
    rate: float = 0.0
    mix: tuple[Ask, ...]
    keepalive_clients: int = 0
    keepalive_spacing: Seconds = 0.5
    connect_timeout: Seconds = 30.0
    response_timeout: Seconds = 30.0


def in_turn(mix: tuple[Ask, ...]) -> Iterator[Ask]:
    """Yield asks by weight, evenly interleaved, the same in every run."""
    credit = [0] * len(mix)
    total = sum(ask.weight for ask in mix)
    while True:
        for index, ask in enumerate(mix):
            credit[index] += ask.weight
        best = max(range(len(mix)), key=credit.__getitem__)
        credit[best] -= total
        yield mix[best]
