"""What the server handed over, and what became of it: the answer that ``gunwale hops`` measures by.

Off unless GUNWALE_ECHO_TOKEN is set, and only for who knows that token; for everyone else the path is the
application's own. As an application of its own (``gunwale echo``) it stands in the application's place.
"""

from __future__ import annotations

import copy
import hmac
import json
import logging
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from gunwale.runtime.forwarded import ORIGINAL, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse

PATH = "/.gunwale/echo"
TOKEN_VARIABLE = "GUNWALE_ECHO_TOKEN"  # noqa: S105 - a name, not a token
_TOKEN_KEY = "HTTP_GUNWALE_ECHO_TOKEN"  # noqa: S105 - as above
# In the query, too: some CDNs drop fields they do not know.
_TOKEN_PARAMETER = "gunwale-echo-token"  # noqa: S105 - as above
# 96 bits as hexadecimal digits; shorter ones have been guessed.
TOKEN_CHARACTERS = 24

_KEYS = (
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "wsgi.url_scheme",
    # Gunicorn's, where the connection began with a PROXY line.
    "PROXY_PROTOCOL",
    "PROXY_ADDR",
    "PROXY_PORT",
)
_SECRETS = frozenset({"HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_COOKIE"})
_HIDDEN = "(not shown)"
_IN_QUERY = re.compile(rf"({_TOKEN_PARAMETER}=)[^&#\s]*")
_log = logging.getLogger("gunwale.echo")


def token(environ: Mapping[str, str]) -> bytes | None:
    """Return the token of the process's *environ*, or None: no echo. A short one is no token."""
    given = environ.get(TOKEN_VARIABLE, "")
    if not given:
        return None
    if len(given) < TOKEN_CHARACTERS:
        _log.warning("%s is shorter than %d characters: there is no echo", TOKEN_VARIABLE, TOKEN_CHARACTERS)
        return None
    return given.encode()


def is_allowed(environ: dict[str, Any], wanted: bytes) -> bool:
    """Tell whether a request knows the token; in the same time, whatever it sends."""
    given = environ.get(_TOKEN_KEY)
    if given is None:
        given = parse_qs(environ.get("QUERY_STRING", "")).get(_TOKEN_PARAMETER, [""])[0]
    return hmac.compare_digest(given.encode("latin-1", "replace"), wanted)


def answer(
    environ: dict[str, Any], start_response: StartResponse, inner: object | None = None
) -> Iterable[bytes]:
    """Answer with what *environ* was and is; *inner* is the application, whose own ProxyFix counts, too."""
    body = json.dumps(document(environ, inner), indent=1).encode()
    fields = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    start_response("200 OK", fields)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def document(environ: dict[str, Any], inner: object | None = None) -> dict[str, object]:
    """Return the echo: fields before and after the parser, the server, and what was refused."""
    # A ProxyFix around gunwale's wrapper has left what it replaced, too, and was there first.
    given = environ.get(ORIGINAL, {}) | environ.get("werkzeug.proxy_fix.orig", {})
    raw, seen = {**environ, **given}, environ
    proxy_fixes = _proxy_fixes(inner)
    for proxy_fix in proxy_fixes:
        seen = _through(proxy_fix, seen)
    return {
        "raw": _shown(raw),
        "seen": _shown(seen) | _request(seen),
        "server": _server(environ),
        "refused": environ.get(REFUSED),
        "proxy_fix": [_counts(each) for each in proxy_fixes] or None,
    }


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Stand in an application's place: every path is the echo, for everyone or for who knows the token."""
    wanted = os.environ.get(TOKEN_VARIABLE, "").encode()
    if wanted and not is_allowed(environ, wanted):
        body = b"403 Forbidden: the echo's token is missing or wrong\n"
        fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        start_response("403 Forbidden", [*fields, ("Cache-Control", "no-store")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
    return answer(environ, start_response)


def _shown(environ: dict[str, Any]) -> dict[str, str]:
    shown = {key: str(environ[key]) for key in _KEYS if environ.get(key) is not None}
    for key in sorted(environ):
        if key.startswith("HTTP_") and key != _TOKEN_KEY and environ[key] is not None:
            shown[key] = _HIDDEN if key in _SECRETS else str(environ[key])
    # The query may be in Referer as well, and in what a proxy keeps of the request's first line.
    return {key: _IN_QUERY.sub(rf"\g<1>{_HIDDEN}", value) for key, value in shown.items()}


def _request(environ: dict[str, Any]) -> dict[str, str | None]:
    """What Flask's request says: Werkzeug's own judgement, also of what it finds invalid."""
    from werkzeug.wrappers import Request

    request = Request(environ)
    return {
        "request.remote_addr": request.remote_addr,
        "request.scheme": request.scheme,
        "request.host": request.host,
        "request.script_root": request.root_path,
    }


def _server(environ: dict[str, Any]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    name = str(environ.get("SERVER_SOFTWARE", "")) or "unknown"
    if "/" in name:
        return name
    try:
        return f"{name}/{version(name)}"
    except (PackageNotFoundError, ValueError):
        return name


def _proxy_fixes(inner: object | None) -> list[Any]:
    """Find Werkzeug's ProxyFix around and inside of *inner*, outermost first."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    from gunwale.runtime.flask_object import INNER, INNER_DEPTH

    found = []
    for _ in range(INNER_DEPTH):
        if isinstance(inner, ProxyFix):
            found.append(inner)
        candidates = (getattr(inner, name, None) for name in INNER)
        # A bound method of the application's ends the walk: its owner would lead here again.
        inner = next((each for each in candidates if callable(each) and not hasattr(each, "__self__")), None)
    return found


def _through(proxy_fix: Any, environ: dict[str, Any]) -> dict[str, Any]:
    """Return what *proxy_fix* makes of *environ*, which stays as it is."""
    passed: list[dict[str, Any]] = []

    def catch(environ: dict[str, Any], _start_response: object) -> list[bytes]:
        passed.append(environ)
        return []

    alone = copy.copy(proxy_fix)
    alone.app = catch
    alone(dict(environ), None)
    return passed[0]


def _counts(proxy_fix: Any) -> dict[str, int]:
    return {name: getattr(proxy_fix, name) for name in ("x_for", "x_proto", "x_host", "x_port", "x_prefix")}
