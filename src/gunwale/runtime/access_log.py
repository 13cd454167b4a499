"""One line a request on stdout, in one write; no client can forge a field or tear a line."""

from __future__ import annotations

import json.encoder
import os
import re
from contextlib import suppress
from time import gmtime, perf_counter, strftime, time
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from gunwale.runtime.forwarded import REFUSED

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
_SECRET_NAME = re.compile(rf"(?:{_TELLING_WORDS})|(?:^|[^a-z])(?:{_TELLING_ENDS})[]\d]*$", re.IGNORECASE)
_MAY_BE_SECRET = re.compile(rf"{_TELLING_WORDS}|{_TELLING_ENDS}", re.IGNORECASE)

# Bytes of JSON text that a field keeps when the line is too long; all others are short by nature.
# Their sum with names and numbers stays below LINE_BYTES.
_KEPT = {
    "path": 1000,
    "query": 900,
    "referer": 500,
    "user_agent": 300,
    "host": 260,
    "request_id": 134,
    "method": 40,
    "protocol": 40,
    "remote_addr": 60,
    "scheme": 20,
    "error": 80,
    "forwarded": 200,
}


class Writer:
    """Writes lines to descriptor 1; what cannot be written is counted, said once, and forgotten."""

    def __init__(self, fd: int = 1) -> None:
        self._fd = fd
        self.dropped = 0

    def __call__(self, line: bytes) -> None:
        """Write *line* whole, or drop it."""
        try:
            os.write(self._fd, line)
        except OSError as error:  # closed, full, or its reader has gone: no reason to fail a request
            self.dropped += 1
            if self.dropped == 1:
                say(f"access log: cannot write to stdout ({error.strerror}): lines are dropped")


def say(message: str) -> None:
    """Write one line to stderr, past all logging: also from threads that gevent knows nothing of."""
    with suppress(OSError):
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
    fields = _fields(exchange)
    if exchange.error or exchange.cut or REFUSED in exchange.environ:
        fields |= _marks(exchange)
    line = _json_line(exchange, fields, "")
    if len(line) > LINE_BYTES:
        line = _cut_json(exchange, fields)
    return line.encode("ascii")


def _fields(exchange: Exchange) -> dict[str, str]:
    """The client's text, decoded and redacted: everything a line holds besides numbers."""
    get = exchange.environ.get
    query = get("QUERY_STRING", "")
    referer = get("HTTP_REFERER", "")
    return {
        "request_id": exchange.request_id,
        "remote_addr": get("REMOTE_ADDR", ""),
        "method": get("REQUEST_METHOD", ""),
        "scheme": get("wsgi.url_scheme", ""),
        "host": _text(get("HTTP_HOST", "")),
        "path": _text(get("SCRIPT_NAME", "") + get("PATH_INFO", "")),
        "query": _text(redacted(query)) if query else "",
        "protocol": get("SERVER_PROTOCOL", ""),
        "referer": _text(_redacted_url(referer)) if referer else "",
        "user_agent": _text(get("HTTP_USER_AGENT", "")),
    }


def _marks(exchange: Exchange) -> dict[str, str]:
    marks = {"error": exchange.error, "forwarded": exchange.environ.get(REFUSED)}
    return {name: mark for name, mark in marks.items() if mark}


def _json_line(exchange: Exchange, fields: dict[str, str], truncated: str) -> str:
    sent = sent_bytes(exchange)
    milliseconds = (perf_counter() - exchange.begun) * 1e3
    texts = ", ".join([f'"{name}": {_quote(value)}' for name, value in fields.items()])
    cut = ', "cut": true' if exchange.cut else ""
    return (
        f'{{"time": "{_timestamp()}", {texts}, "status": {exchange.status}, '
        f'"bytes": {"null" if sent is None else sent}, '
        f'"duration_ms": {milliseconds:.3f}, "pid": {os.getpid()}{cut}{truncated}}}\n'
    )


def _cut_json(exchange: Exchange, fields: dict[str, str]) -> str:
    kept = {}
    cut = []
    for name, value in fields.items():
        kept[name] = value
        while len(_quote(kept[name])) > _KEPT[name]:
            # At least one character a turn; at most twelve bytes of JSON stand for one.
            over = len(_quote(kept[name])) - _KEPT[name]
            kept[name] = kept[name][: -max(1, over // 12)]
        if kept[name] != value:
            cut.append(name)
    return _json_line(exchange, kept, f', "truncated": {json.dumps(cut)}')


def render_combined(exchange: Exchange) -> bytes:
    """Return the line in Apache's combined format, escaped as Apache does it, and the request's id."""
    kept = {name: _plain(value)[: _KEPT[name]] for name, value in _fields(exchange).items()}
    target = f"{kept['path']}?{kept['query']}" if kept["query"] else kept["path"]
    sent = sent_bytes(exchange)
    return (
        f"{kept['remote_addr'] or '-'} - - [{strftime('%d/%b/%Y:%H:%M:%S +0000', gmtime())}] "
        f'"{kept["method"]} {target} {kept["protocol"]}" {exchange.status} {"-" if sent is None else sent} '
        f'"{kept["referer"] or "-"}" "{kept["user_agent"] or "-"}" {kept["request_id"]}\n'
    ).encode("ascii")


def sent_bytes(exchange: Exchange) -> int | None:
    """Return the bytes of the body; of a file that the server sent by itself, what Content-Length says."""
    if exchange.sent is not None:
        return exchange.sent
    for name, value in exchange.headers:
        if name.lower() == "content-length" and value.isdecimal():
            return int(value)
    return None


def redacted(query: str) -> str:
    """Return *query* with the values of secret-looking names replaced."""
    if _MAY_BE_SECRET.search(query) is None and "%" not in query:
        return query
    parts = re.split(r"([&;])", query)
    for index in range(0, len(parts), 2):
        name, equals, value = parts[index].partition("=")
        if value and _SECRET_NAME.search(unquote_plus(name)):
            parts[index] = f"{name}{equals}{_REDACTED}"
    return "".join(parts)


def _redacted_url(url: str) -> str:
    before, mark, query = url.partition("?")
    return f"{before}{mark}{redacted(query)}" if mark else url


def _text(value: str) -> str:
    """Undo PEP 3333's latin-1: the bytes as UTF-8, what is none as backslash escapes."""
    if value.isascii():
        return value
    return value.encode("latin-1", "backslashreplace").decode("utf-8", "backslashreplace")


def _plain(value: str) -> str:
    r"""Printable ASCII only; quotes and backslashes escaped, all else as \\x, \\u or \\U."""
    return _quote(value)[1:-1].replace("\x7f", "\\u007f")


_second: tuple[int, str] = (0, "")


def _timestamp() -> str:
    # strftime once a second only; a tuple swapped whole, so that threads never mix two seconds.
    global _second  # noqa: PLW0603 - a cache of one value
    now = time()
    second, text = _second
    if int(now) != second:
        second, text = int(now), strftime("%Y-%m-%dT%H:%M:%S", gmtime(now))
        _second = (second, text)
    return f"{text}.{int((now - second) * 1000):03d}Z"
