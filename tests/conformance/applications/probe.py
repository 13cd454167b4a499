"""An application that does to a server what real ones do: blocks, spins, streams, reads, dies."""

import ctypes
import hashlib
import json
import os
import signal
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from wsgiref.validate import validator

TEXT = [("Content-Type", "text/plain; charset=utf-8")]


def application(environ, start_response):
    return PATHS.get(environ["PATH_INFO"], missing)(environ, start_response)


def missing(environ, start_response):
    start_response("404 Not Found", [*TEXT, ("Content-Length", "0")])
    return [b""]


def index(environ, start_response):
    body = b"here\n"
    start_response("200 OK", [*TEXT, ("Content-Length", str(len(body)))])
    return [body]


def pid(environ, start_response):
    start_response("200 OK", [*TEXT])
    return [str(os.getpid()).encode()]


def slow(environ, start_response):
    time.sleep(number(environ, "seconds", 1))
    return index(environ, start_response)


def stop(environ, start_response):
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(20)  # this thread may run on for a moment, while another one takes the signal
    return index(environ, start_response)


def spin(environ, start_response):
    until = time.monotonic() + number(environ, "seconds", 1)
    while time.monotonic() < until:
        pass
    return index(environ, start_response)


def hold(environ, start_response):
    """Keep the interpreter's lock all the time, as a call into C may."""
    ctypes.PyDLL(None).usleep(int(number(environ, "seconds", 1) * 1e6))
    return index(environ, start_response)


def download(environ, start_response):
    size = int(number(environ, "bytes", 1000))
    start_response("200 OK", [*TEXT, ("Content-Length", str(size))])
    return blocks(size)


def blocks(size: int) -> Iterator[bytes]:
    block = bytes(range(256)) * 256
    while size > 0:
        yield block[:size]
        size -= len(block)


def upload(environ, start_response):
    digest = hashlib.sha256()
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0 and (chunk := environ["wsgi.input"].read(min(left, 65536))):
        digest.update(chunk)
        left -= len(chunk)
    start_response("200 OK", [*TEXT])
    return [digest.hexdigest().encode()]


def events(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return ticks(environ["gunwale.draining"])


def ticks(is_draining) -> Iterator[bytes]:
    while not is_draining():
        yield b"event: tick\n\n"
        time.sleep(0.1)
    yield b"event: draining\n\n"


def endless(environ, start_response):
    """Go on whatever happens: not even request_timeout gives up what makes progress."""
    start_response("200 OK", [*TEXT])
    return ticking()


def ticking() -> Iterator[bytes]:
    while True:
        yield b"tick\n"
        time.sleep(0.1)


def die(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "1000")])
    return dying()


def dying() -> Iterator[bytes]:
    yield b"half"
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


def show(environ, start_response):
    shown = {key: value for key, value in environ.items() if isinstance(value, str | int | bool | tuple)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]


def number(environ, name, default):
    return float(urllib.parse.parse_qs(environ["QUERY_STRING"]).get(name, [default])[0])


PATHS = {
    "/": index,
    "/pid": pid,
    "/slow": slow,
    "/stop": stop,
    "/spin": spin,
    "/hold": hold,
    "/download": download,
    "/upload": upload,
    "/events": events,
    "/die": die,
    "/endless": endless,
    "/environ": show,
}


def strict(environ, start_response) -> Iterable[bytes]:
    """Be one path's application as wsgiref.validate sees it, and answer its complaint if it has one."""
    try:
        result = validator(application)(environ, start_response)
    except AssertionError as error:
        start_response("500 Broken", [*TEXT])
        return [str(error).encode()]
    return result
