"""The parser of the forwarded fields alone, where Werkzeug's ProxyFix stood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunwale.runtime.forwarded import resolver
from gunwale.runtime.settings import Hops, Settings, read_networks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIApplication


class Forwarded:
    """A drop-in for ``werkzeug.middleware.proxy_fix.ProxyFix``: the same counts, failing closed.

    Where every proxy writes whole lists it gives what ProxyFix gives. Beyond that it believes only peers in
    *networks* (CIDRs, or "any"; by default private and loopback addresses and Unix sockets), no quotes and
    no value that is not one of its kind. ``environ["gunwale.forwarded.refused"]`` tells what was refused,
    ``environ["gunwale.forwarded.original"]`` what the server had said.
    """

    def __init__(  # noqa: PLR0913 - ProxyFix's signature
        self,
        app: WSGIApplication,
        x_for: int = 1,
        x_proto: int = 1,
        x_host: int = 0,
        x_port: int = 0,
        x_prefix: int = 0,
        *,
        networks: str | Sequence[str] | None = None,
    ) -> None:
        self.app = app
        hops = Hops(x_for=x_for, x_proto=x_proto, x_host=x_host, x_port=x_port, x_prefix=x_prefix)
        self._resolve = resolver(hops, Settings().networks if networks is None else read_networks(networks))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        self._resolve(environ)
        return self.app(environ, start_response)
