"""The forwarded fields, read from the right by the declared chain's counts, failing closed.

Not Werkzeug's ProxyFix: since 3.1.7 an unclosed quote from a client empties its whole list, and then
every client has the proxy's address; before, the client chose the text. Here quotes mean nothing.
Several lines of one field arrive as the server joins them: most with a comma, which is read; cheroot and
Granian hand over the last line only, which can make a list too short, and that is refused.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from gunwale.runtime import rfc7239
from gunwale.runtime.forwarded_values import address, host, peer_test, port, prefix, scheme

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from gunwale.runtime.settings import Hops, Network

    Refuse: TypeAlias = Callable[[dict[str, Any], str, str], None]
    Step: TypeAlias = tuple[str, int, Callable[[dict[str, Any], str], bool]]

ORIGINAL = "gunwale.forwarded.original"
REFUSED = "gunwale.forwarded.refused"

_PEER = "the peer is no declared proxy"
_ALIASES = "this server takes X_Forwarded_For for X-Forwarded-For"
# Servers that take X_Forwarded_For for X-Forwarded-For, by the beginning of what they call themselves.
_MERGING_SERVERS = ("granian", "cheroot", "uwsgi")
# From which some servers make wsgi.url_scheme: Gunicorn of a trusted peer, uWSGI of anyone.
_SCHEME_KEYS = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SSL", "HTTP_X_FORWARDED_PROTOCOL")
_log = logging.getLogger("gunwale.forwarded")


def resolver(hops: Hops, networks: tuple[Network, ...] | None) -> Callable[[dict[str, Any]], bool]:
    """Return a function that puts the client's own values into an environ.

    It returns whether the peer may speak for its clients at all. What is refused (too few values, not a
    value of its kind, a peer outside *networks*) leaves the server's own value, with its reason in
    ``environ["gunwale.forwarded.refused"]`` and, the first time in this process, in the log.
    """
    is_proxy, refuse = peer_test(networks), _refuser()
    steps: list[Step] = [
        (f"HTTP_X_FORWARDED_{name}", count, apply)
        for name, count, apply in (
            ("FOR", hops.x_for, address),
            ("PROTO", hops.x_proto, scheme),
            ("HOST", hops.x_host, host),
            ("PORT", hops.x_port, port),
            ("PREFIX", hops.x_prefix, prefix),
        )
        if count
    ]
    forwarded, merges = hops.forwarded, None

    def resolve(environ: dict[str, Any]) -> bool:
        nonlocal merges
        if merges is None:  # a process has one server: its first request tells
            merges = _merges_aliases(environ)
        get = environ.get
        peer = get("REMOTE_ADDR", "")
        environ[ORIGINAL] = {
            "REMOTE_ADDR": peer,
            "wsgi.url_scheme": environ["wsgi.url_scheme"],
            "HTTP_HOST": get("HTTP_HOST"),
            "SERVER_NAME": get("SERVER_NAME"),
            "SERVER_PORT": get("SERVER_PORT"),
            "SCRIPT_NAME": get("SCRIPT_NAME"),
            "PATH_INFO": get("PATH_INFO"),
        }
        if environ["wsgi.url_scheme"] != "http" or "HTTP_SCRIPT_NAME" in environ:
            _distrust_server(environ)
        is_believed = is_proxy(peer)
        if not is_believed or merges:
            if steps or forwarded:
                refuse(environ, "", _ALIASES if is_believed else _PEER)
            return is_believed
        if steps:
            _read_lists(environ, steps, refuse)
        if forwarded:
            _read_forwarded(environ, forwarded, refuse)
        return True

    return resolve


def _read_lists(environ: dict[str, Any], steps: list[Step], refuse: Refuse) -> None:
    """Take from each list the value at its count from the right; quotes mean nothing here."""
    for key, count, apply in steps:
        raw = environ.get(key)
        if raw is None:
            refuse(environ, key, f"0 of {count} values")
            continue
        values = raw.rsplit(",", count)
        if len(values) < count:
            refuse(environ, key, f"{len(values)} of {count} values")
        elif not apply(environ, values[-count].strip(" \t")):
            refuse(environ, key, "not a valid value")


def _keep_original(environ: dict[str, Any]) -> None:
    get = environ.get
    environ[ORIGINAL] = {
        "REMOTE_ADDR": get("REMOTE_ADDR"),
        "wsgi.url_scheme": get("wsgi.url_scheme"),
        "HTTP_HOST": get("HTTP_HOST"),
        "SERVER_NAME": get("SERVER_NAME"),
        "SERVER_PORT": get("SERVER_PORT"),
        "SCRIPT_NAME": get("SCRIPT_NAME"),
        "PATH_INFO": get("PATH_INFO"),
    }


def _read_forwarded(environ: dict[str, Any], count: int, refuse: Refuse) -> None:
    """Take address, scheme and host from the element of Forwarded that the chain itself wrote."""
    key = "HTTP_FORWARDED"
    raw = environ.get(key)
    found = None if raw is None else rfc7239.element(raw, count)
    if found is None:
        refuse(environ, key, f"no whole element at {count} from the right")
        return
    # Host needs no restoring where the proxy keeps it; the other two are what the field is there for.
    for name, apply, is_needed in (("for", address, True), ("proto", scheme, True), ("host", host, False)):
        value = found.get(name)
        if value is None:
            if is_needed:
                refuse(environ, key, f"no {name}")
        elif not apply(environ, value):
            refuse(environ, key, f"{name} is not a valid value")


def _distrust_server(environ: dict[str, Any]) -> None:
    """Undo what the server may have from a field: which fields hold, only the chain's counts say.

    The scheme: Gunicorn believes X-Forwarded-Ssl and -Protocol, too, and uWSGI every client. (Where the
    server speaks TLS itself, only a client that sends one of these fields loses it.) The path: Gunicorn
    shortens it by a field SCRIPT_NAME, and so past the proxy's rules for paths.
    """
    if environ["wsgi.url_scheme"] != "https" or any(key in environ for key in _SCHEME_KEYS):
        environ["wsgi.url_scheme"] = "http"
    given = environ.get("HTTP_SCRIPT_NAME")
    if given and environ.get("SCRIPT_NAME") == given:
        environ["SCRIPT_NAME"] = ""
        environ["PATH_INFO"] = given + environ.get("PATH_INFO", "")


def _merges_aliases(environ: dict[str, Any]) -> bool:
    """Tell whether the server takes X_Forwarded_For for X-Forwarded-For.

    Nothing in an environ says which of the two a value was, so behind such a server none is believed.
    """
    name = str(environ.get("SERVER_SOFTWARE", "")).lower()
    return name.startswith(_MERGING_SERVERS) or "uwsgi.version" in environ


def _refuser() -> Refuse:
    """Return a function that marks an environ, and logs each reason once in this process."""
    said: set[tuple[str, str]] = set()

    def refuse(environ: dict[str, Any], key: str, reason: str) -> None:
        # Never the value itself: it is the client's text.
        field = key.removeprefix("HTTP_").replace("_", "-").title()
        told = f"{field}: {reason}" if field else reason
        earlier = environ.get(REFUSED)
        environ[REFUSED] = f"{earlier}; {told}" if earlier else told
        if (key, reason) not in said:
            said.add((key, reason))
            _log.warning("forwarded fields refused: %s; the server's own value stands (said once)", told)

    return refuse
