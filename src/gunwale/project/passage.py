"""Where a proxy of the project hands requests on, and what it does to their fields on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from gunwale.plan.layers import LAYERS, Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.facts import Given, Place
    from gunwale.project.readers.compose import Service

# The fields by the plan's names for them.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "for": "X-Forwarded-For",
        "proto": "X-Forwarded-Proto",
        "host": "X-Forwarded-Host",
        "port": "X-Forwarded-Port",
        "prefix": "X-Forwarded-Prefix",
        "forwarded": "Forwarded",
        "real_ip": "X-Real-IP",
        "request_id": "X-Request-ID",
    }
)
BY_FIELD: Mapping[str, str] = MappingProxyType({value.lower(): key for key, value in FIELDS.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go: *host* and *port* as written ("" where none is), *socket* is a Unix path."""

    host: str = ""
    port: str = ""
    socket: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is on the proxy's own machine."""
        return bool(self.socket) or self.host in ("localhost", "127.0.0.1", "[::1]", "::1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passage:
    """One way through one proxy. *operations* by field and the plan's words; *like* is the known layer.

    *unsure*: why one that is not among *operations* may be any; "" where the files say all.
    *service* is the compose service that it runs as, where the files tell. *sends* are the places where
    fields are written; *takes_any_host*: it names no host of its own. Without *targets* it leads to the
    one start of one of the *kinds* of launch. *read_timeout* in seconds, *max_body*
    in bytes (0: any); None: not written.
    """

    proxy: str
    like: str
    at: Place
    targets: tuple[Target, ...]
    operations: Mapping[str, str] = field(default_factory=dict)
    sends: Mapping[str, Place] = field(default_factory=dict)
    keeps_host: bool | None = None
    is_tls: bool = False
    takes_any_host: bool = False
    unsure: str = ""
    path: str = "/"
    service: Service | None = None
    kinds: tuple[str, ...] = ()
    idle_timeout: Given[float] | None = None
    read_timeout: Given[float] | None = None
    max_body: Given[int] | None = None

    def layer(self) -> Layer:
        """Return it as a layer of the plan."""
        known, waits = LAYERS[self.like], self.read_timeout
        keeps = known.keeps_host if self.keeps_host is None else self.keeps_host
        return Layer(
            name=self.proxy,
            operations={**known.operations, **self.operations},
            keeps_host=keeps,
            idle_timeout=self.idle_timeout.value if self.idle_timeout else known.idle_timeout,
            response_timeout=waits.value if waits else known.response_timeout,
            max_body=self.max_body.value if self.max_body else known.max_body,
            buffers=known.buffers,
            drops_underscores=known.drops_underscores,
        )

    def operation(self, name: str) -> str:
        """Return what it does to the field of the plan's *name*: "unknown" where the files do not tell."""
        found = self.operations.get(name)
        if found is None and self.unsure:
            return "unknown"
        return found or LAYERS[self.like].operation(name)


def target(text: str) -> Target:
    """Read "host:port", "[::1]:port", "http://host:port/path" or "unix:/path"."""
    text = text.partition("://")[2] or text
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        return Target(socket=path.partition(":")[0] if path.startswith("/") else path)
    text = text.partition("/")[0]
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isdigit() or "$" in port):
        return Target(host=text)
    return Target(host=host, port=port)
