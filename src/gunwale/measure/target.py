"""Where requests go: http://host:port, http://[::1]:port or unix:/path; and ports nobody has yet."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gunwale.errors import ConfigurationError, Problem, StartError

if TYPE_CHECKING:
    from collections.abc import Iterator

Address = str | tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resolved address and the Host field that goes with it."""

    family: socket.AddressFamily
    address: Address
    host: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a target; names are resolved here, once. Raises ConfigurationError or StartError."""
        if text.startswith("unix:"):
            path = text.removeprefix("unix:")
            return cls(family=socket.AF_UNIX, address=path, host="localhost")
        try:
            url = urlsplit(text)
            name, port = url.hostname, url.port
        except ValueError:
            name = port = None
        else:
            if url.scheme != "http":
                name = None
        if not name:
            problem = Problem(
                where="target",
                message=f"should be http://HOST:PORT or unix:PATH, not {text!r}",
                hint="TLS is not spoken here: aim at the server behind the proxy",
            )
            raise ConfigurationError(problem)
        try:
            found = socket.getaddrinfo(name, port or 80, type=socket.SOCK_STREAM)
        except OSError as error:
            raise StartError(
                Problem(where="target", message=f"cannot resolve {name!r}: {error.strerror}")
            ) from error
        family, _, _, _, address = found[0]
        return cls(family=family, address=address, host=url.netloc.rpartition("@")[2])  # type: ignore[arg-type]


@contextlib.contextmanager
def reserved_port(host: str = "127.0.0.1") -> Iterator[tuple[int, socket.socket]]:
    """Hold a port, bound and not listening, until *close()* at the moment of use.

    While it is held no other process gets the number from the kernel. Between the close and the server's
    bind a race remains, so prefer a server that binds port 0 and reports its address in its log. The kernel
    hands out ports in a random order, so what was just closed is unlikely to be given again at once.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        yield holder.getsockname()[1], holder


_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago (reserved_port tells what that is worth), none twice."""
    while True:
        with reserved_port(host) as (port, _):
            # The kernel's order is random: one that was just given may come again.
            if port not in _given:
                _given.add(port)
                return port
