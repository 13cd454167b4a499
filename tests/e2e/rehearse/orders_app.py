"""A small application that boots at once and keeps each order's id, appended to a file by one write."""

import os
import time
import urllib.parse
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    time.sleep(float(query.get("seconds", ["0"])[0]))
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        store = os.open(os.environ["ORDERS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(store, environ["HTTP_IDEMPOTENCY_KEY"].encode() + b"\n")
        os.close(store)
    body = b"x" * int(query.get("bytes", ["3"])[0])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
