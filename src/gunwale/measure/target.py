"""Where requests go: http://host:port, http://[::1]:port or unix:/path."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from gunwale.errors import ConfigurationError, Problem, StartError

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
