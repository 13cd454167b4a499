"""One line a request on stdout, in one write; no client can forge a field or tear a line."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from time import gmtime, strftime, time
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from gunwale.runtime.forwarded import REFUSED
from gunwale.runtime.outlet import STDERR, Outlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.runtime.exchange import Exchange

# PIPE_BUF on Linux: writes of several workers to one pipe are whole up to here (pipe(7)).
LINE_BYTES = 4096
# The C encoder: five times as fast as dumps(), and its output is pure ASCII.
_quote: Callable[[str], str] = json.encoder.encode_basestring_ascii

_REDACTED = "[redacted]"
_TELLING_WORDS = (
    r"token|secret|passw|passphrase|pwd|signature|credential|authoriz|session|samlresponse|jwt|hmac"
    r"|(?:api|access|private)[_-]?key"
)
_TELLING_ENDS = r"key|code|sig|auth|otp|pin|pass|sid|verifier"
_TELLING_NAME = re.compile(rf"(?:{_TELLING_WORDS})|(?:^|[^a-z])(?:{_TELLING_ENDS})[]\d]*$", re.IGNORECASE)

# The text fields of a line, in order, with the bytes of JSON that each keeps when the line is too long.
# Their sum with names, numbers and marks stays below LINE_BYTES.
_TEXTS = {
    "request_id": 134,
    "remote_addr": 60,
    "method": 40,
    "scheme": 20,
    "host": 260,
    "path": 1000,
    "query": 900,
    "protocol": 40,
    "referer": 500,
    "user_agent": 300,
}
_LINE = (
    '{"time": "%s.%03dZ", '
    + "".join(f'"{name}": %s, ' for name in _TEXTS)
    + '"status": %s, "bytes": %s, "duration_ms": %.3f, "pid": %d%s}\n'
)

# The latest second that a line was written in, as its number and as text.
_second: tuple[int, str] = (0, "")

# Verdicts on parameter names remembered; clients choose the names, so only short ones, and so many.
_NAMES_KEPT = 1024
_NAME_CHARACTERS = 64


class Writer:
    """Writes lines to descriptor 1; what cannot be written is counted, said once, and forgotten."""

    def __init__(self, fd: int = 1) -> None:
        self._outlet = Outlet(fd)
        self.dropped = 0

    def __call__(self, line: bytes) -> None:
        """Write *line* whole, or drop it."""
        try:
            if not self._outlet.takes():
                self._drop("its reader stands still")
                return
            os.write(self._outlet.fd, line)
        except OSError as error:  # closed, full, or its reader has gone: no reason to fail a request
            self._drop(str(error.strerror))
            return
        if self.dropped:
            say(f"access log: stdout takes lines again: {self.dropped} were dropped")
            self.dropped = 0

    def _drop(self, reason: str) -> None:
        self.dropped += 1
        if self.dropped == 1:
            say(f"access log: cannot write to stdout ({reason}): lines are dropped")


def say(message: str) -> None:
    """Write one line to stderr, past all logging: also from threads that gevent knows nothing of."""
    with suppress(OSError):
        if STDERR.takes():
            os.write(2, f"gunwale: {_plain(message)}"[: LINE_BYTES - 1].encode() + b"\n")


def access_log(style: str, write: Callable[[bytes], None] | None = None) -> Callable[[Exchange], None] | None:
    """Return the function that logs a finished exchange, or None for "off"."""
    if style == "off":
        return None
    write = write or Writer()
    render = {"json": render_json, "combined": render_combined}[style]

    def log(exchange: Exchange) -> None:
        if exchange.is_probe and exchange.status == 200:
            return
        write(render(exchange))

    return log


def render_json(exchange: Exchange) -> bytes:
    """Return the line as a JSON object."""
    texts = _texts(exchange)
    line = _json_line(exchange, texts)
    if len(line) > LINE_BYTES:
        kept = tuple(_cut(text, limit) for text, limit in zip(texts, _TEXTS.values(), strict=True))
        cut = [name for name, text, rest in zip(_TEXTS, texts, kept, strict=True) if text != rest]
        line = _json_line(exchange, kept, f', "truncated": {json.dumps(cut)}')
    return line.encode("ascii")


def _json_line(exchange: Exchange, texts: tuple[str, ...], more: str = "") -> str:
    global _second  # noqa: PLW0603 - a cache of one value
    now = time()
    second = int(now)
    known, begin = _second
    if second != known:
        # strftime once a second only; a tuple swapped whole, so that threads never mix two seconds.
        begin = strftime("%Y-%m-%dT%H:%M:%S", gmtime(now))
        _second = (second, begin)
    sent = exchange.sent if exchange.sent is not None else _content_length(exchange)
    if exchange.error or exchange.cut or REFUSED in exchange.environ:
        more = f"{_marks(exchange)}{more}"
    return _LINE % (
        begin,
        (now - second) * 1000,
        *map(_quote, texts),
        exchange.status or "null",
        "null" if sent is None else sent,
        exchange.taken / 1e6,
        os.getpid(),
        more,
    )


def _texts(exchange: Exchange) -> tuple[str, ...]:
    """The client's words, decoded and redacted, in the order of _TEXTS."""
    get = exchange.environ.get
    query = get("QUERY_STRING", "")
    referer = get("HTTP_REFERER", "")
    host = get("HTTP_HOST", "")
    path = get("SCRIPT_NAME", "") + get("PATH_INFO", "")
    agent = get("HTTP_USER_AGENT", "")
    return (
        exchange.request_id,
        get("REMOTE_ADDR", ""),
        get("REQUEST_METHOD", ""),
        get("wsgi.url_scheme", ""),
        host if host.isascii() else _text(host),
        path if path.isascii() else _text(path),
        _text(redacted(query[:LINE_BYTES])) if query else "",
        get("SERVER_PROTOCOL", ""),
        _text(_redacted_url(referer[:LINE_BYTES])) if referer else "",
        agent if agent.isascii() else _text(agent),
    )


def _marks(exchange: Exchange) -> str:
    error = f', "error": {_quote(exchange.error)}' if exchange.error else ""
    refused = exchange.environ.get(REFUSED)
    forwarded = f', "forwarded": {_quote(refused)}' if refused else ""
    cut = ', "cut": true' if exchange.cut else ""
    return cut + error + forwarded


def _cut(text: str, limit: int) -> str:
    """Return as much of *text* as *limit* bytes of JSON hold."""
    text = text[:limit]
    while (over := len(_quote(text)) - limit) > 0:
        # At most twelve bytes of JSON stand for one character.
        text = text[: -max(1, over // 12)]
    return text


def render_combined(exchange: Exchange) -> bytes:
    """Return the line in Apache's combined format, escaped as Apache does it, and the request's id."""
    cut = (_plain(text)[:limit] for text, limit in zip(_texts(exchange), _TEXTS.values(), strict=True))
    request_id, remote_addr, method, _, _, path, query, protocol, referer, user_agent = cut
    target = f"{path}?{query}" if query else path
    sent = exchange.sent if exchange.sent is not None else _content_length(exchange)
    return (
        f"{remote_addr or '-'} - - [{strftime('%d/%b/%Y:%H:%M:%S +0000', gmtime())}] "
        f'"{method} {target} {protocol}" {exchange.status or "-"} {"-" if sent is None else sent} '
        f'"{referer or "-"}" "{user_agent or "-"}" {request_id}\n'
    ).encode("ascii")


def _content_length(exchange: Exchange) -> int | None:
    """Return the length of a file that the server sent by itself."""
    for name, value in exchange.headers:
        if name.lower() == "content-length" and value.isdecimal():
            return int(value)
    return None


_names: dict[str, bool] = {}


def redacted(query: str) -> str:
    """Return *query* with the values of secret-looking names replaced."""
    if ";" in query:
        return ";".join([redacted(part) for part in query.split(";")])
    parts = query.split("&")
    changed = False
    for index, part in enumerate(parts):
        name, _, value = part.partition("=")
        if value and _is_telling(name):
            parts[index] = f"{name}={_REDACTED}"
            changed = True
    return "&".join(parts) if changed else query


def _is_telling(name: str) -> bool:
    verdict = _names.get(name)
    if verdict is None:
        verdict = _TELLING_NAME.search(unquote_plus(name)) is not None
        if len(name) <= _NAME_CHARACTERS:
            if len(_names) >= _NAMES_KEPT:
                _names.clear()
            _names[name] = verdict
    return verdict


def _redacted_url(url: str) -> str:
    before, mark, query = url.partition("?")
    return f"{before}{mark}{redacted(query)}" if mark else url


def _text(value: str) -> str:
    """Undo PEP 3333's latin-1: the bytes as UTF-8, what is none as backslash escapes."""
    return value.encode("latin-1", "backslashreplace").decode("utf-8", "backslashreplace")


def _plain(value: str) -> str:
    r"""Printable ASCII only; quotes and backslashes escaped, all else as \\x, \\u or \\U."""
    return _quote(value)[1:-1].replace("\x7f", "\\u007f")
