"""TRUSTED_HOSTS for any WSGI application, by Werkzeug's own judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import SecurityError
from werkzeug.wsgi import get_host

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

# Accepted spellings remembered; with ".example.com" a client can make up any number of them.
_HOSTS_KEPT = 1024


def host_test(trusted: Collection[str]) -> Callable[[dict[str, Any]], bool]:
    """Return a function that tells whether a request is for a trusted host.

    A leading dot takes in all subdomains; ports do not matter; without a Host field the server's own
    name counts, as in Werkzeug.
    """
    accepted: set[str] = set()

    def is_trusted(environ: dict[str, Any]) -> bool:
        host = environ.get("HTTP_HOST")
        if host in accepted:
            return True
        try:
            get_host(environ, trusted)
        except SecurityError:
            return False
        if host is not None:
            if len(accepted) >= _HOSTS_KEPT:
                accepted.clear()
            accepted.add(host)
        return True

    return is_trusted


def first_host(trusted: Collection[str] | None) -> str:
    """Return a host that is trusted, for a question that comes without one."""
    return next(iter(trusted)).removeprefix(".") if trusted else "localhost"
