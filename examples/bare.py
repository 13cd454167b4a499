"""A WSGI application (PEP 3333) without a framework, one function a path."""

import json
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

MOST_SECONDS = 120.0
MOST_BYTES = 64 * 1024 * 1024
CHUNK = 65_536
TEXT = [("Content-Type", "text/plain; charset=utf-8")]
CGI_KEYS = frozenset({
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
})  # fmt: skip


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    answer = PATHS.get(environ.get("PATH_INFO") or "/", not_found)
    body = answer(environ, start_response)
    # Not every server leaves the body of an answer to HEAD out, and then the connection is out of step.
    return [] if environ["REQUEST_METHOD"] == "HEAD" else body


def index(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    return _text(start_response, "200 OK", b"bare\n")


def not_found(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    return _text(start_response, "404 Not Found", b"no such path\n")


def echo(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer the body as it came, at most 64 MiB of it."""
    body = bytearray()
    for chunk in _body(environ):
        body += chunk
        if len(body) > MOST_BYTES:
            return _text(start_response, "413 Content Too Large", b"too large\n")
    start_response(
        "200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))]
    )
    return [bytes(body)]


def show_environ(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer what the server says of the request and of itself; what JSON cannot hold, by its type.

    Only keys of the request: a server may put its process's environment among them (PEP 3333 allows it).
    """
    wanted = {
        key: value
        for key, value in environ.items()
        if key in CGI_KEYS or key.startswith(("HTTP_", "wsgi.", "gunwale."))
    }
    body = json.dumps(wanted, default=lambda value: f"<{type(value).__name__}>", sort_keys=True).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def slow(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer after `seconds`."""
    seconds = _number(environ, "seconds", 1.0)
    if seconds is None:
        return _bad_number(start_response)
    time.sleep(seconds)
    return _text(start_response, "200 OK", f"slept {seconds} s\n".encode())


def stream(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer ten lines over `seconds`, without a Content-Length."""
    seconds = _number(environ, "seconds", 0.0)
    if seconds is None:
        return _bad_number(start_response)
    start_response("200 OK", [*TEXT])
    return _lines(10, seconds / 10)


def write(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer one line by the write() callable and one by the iterable, which must come after it."""
    send = start_response("200 OK", [*TEXT])
    if environ["REQUEST_METHOD"] != "HEAD":
        send(b"written\n")
    return [b"iterated\n"]


def _text(start_response: "StartResponse", status: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [*TEXT, ("Content-Length", str(len(body)))])
    return [body]


def _bad_number(start_response: "StartResponse") -> Iterable[bytes]:
    return _text(start_response, "400 Bad Request", f"seconds: should be 0 to {MOST_SECONDS}\n".encode())


def _lines(count: int, pause: float) -> Iterator[bytes]:
    for number in range(count):
        time.sleep(pause)
        yield f"line {number}\n".encode()


def _body(environ: "WSGIEnvironment") -> Iterator[bytes]:
    # Without a length only a server that ends the input itself (at the last chunk) may be read to the end.
    length = environ.get("CONTENT_LENGTH")
    left = int(length) if length else (MOST_BYTES + 1 if environ.get("wsgi.input_terminated") else 0)
    while left > 0 and (chunk := environ["wsgi.input"].read(min(left, CHUNK))):
        left -= len(chunk)
        yield chunk


def _number(environ: "WSGIEnvironment", name: str, default: float) -> float | None:
    text = urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).get(name, [str(default)])[0]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= MOST_SECONDS else None


PATHS: dict[str, Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]] = {
    "/": index,
    "/echo": echo,
    "/environ": show_environ,
    "/slow": slow,
    "/stream": stream,
    "/write": write,
}
