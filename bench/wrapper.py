"""What gunwale costs a request in process: a trivial application, bare and wrapped, measured in turn.

    python bench/wrapper.py [REQUESTS]

Prints the median of nine runs and their interval, in microseconds a request over the bare application:
CPU time of this process, the kernel's part of its writes included, so that a busy machine counts less.
The access log goes to a pipe that a child process reads, as it would under a container engine.
"""

from __future__ import annotations

import os
import sys
from statistics import median
from subprocess import DEVNULL, PIPE, Popen
from time import process_time
from typing import TYPE_CHECKING, Any

from gunwale.runtime.forwarded import resolver
from gunwale.runtime.scoreboard import Scoreboard
from gunwale.runtime.settings import Hops, Settings
from gunwale.runtime.wsgi import wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

RUNS = 9
MOST = {"everything on": 40.0, "scoreboard and request id": 5.0}  # µs
BODY = [b"hello\n"]
FIELDS = [("Content-Type", "text/plain"), ("Content-Length", "6")]
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/products/17",
    "QUERY_STRING": "page=2&sort=price",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "10.0.0.7",
    "HTTP_HOST": "shop.example",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "HTTP_REFERER": "https://shop.example/products",
    "HTTP_X_FORWARDED_FOR": "198.51.100.4, 203.0.113.9",
    "HTTP_X_FORWARDED_PROTO": "https",
    "wsgi.url_scheme": "http",
}
EVERYTHING = {
    "serve.access_log": "json",
    "proxies.hops": {"x_for": 1, "x_proto": 1},
    "proxies.request_id": {"field": "X-Request-ID", "pattern": None},
    "security.trusted_hosts": ["shop.example", ".shop.example"],
}


def trivial(_environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    start_response("200 OK", FIELDS)
    return BODY


def accept(_status: str, _fields: object, _exc_info: object = None) -> Callable[[bytes], object]:
    return len


def cpu_seconds(application: WSGIApplication, requests: int) -> float:
    begun = process_time()
    for _ in range(requests):
        result = application(dict(ENVIRON), accept)
        for _chunk in result:
            pass
        if hasattr(result, "close"):
            result.close()
    return process_time() - begun


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with Popen(["cat"], stdin=PIPE, stdout=DEVNULL) as reader:
        assert reader.stdin is not None
        report = os.fdopen(os.dup(1), "w")
        os.dup2(reader.stdin.fileno(), 1)
        reader.stdin.close()
        slot = Scoreboard.create(slots=1, entries=64).claim(1)
        variants = {
            "everything on": wrap(trivial, Settings.from_plan(EVERYTHING), slot),
            "access log off": wrap(
                trivial, Settings.from_plan(EVERYTHING | {"serve.access_log": "off"}), slot
            ),
            "scoreboard and request id": wrap(trivial, Settings.from_plan({"serve.access_log": "off"}), slot),
            "request id": wrap(trivial, Settings.from_plan({"serve.access_log": "off"})),
        }
        taken: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(RUNS):
            for name, application in variants.items():
                bare = cpu_seconds(trivial, requests)
                taken[name].append((cpu_seconds(application, requests) - bare) / requests * 1e6)
        taken["forwarded fields, two values"] = [resolve_microseconds(requests) for _ in range(RUNS)]
        print(
            f"{'µs a request, over ' + format(requests, ',') + ' requests':42} median  interval", file=report
        )
        for name, runs in taken.items():
            print(
                f"{name:42} {median(runs):6.2f}  {min(runs):.2f} to {max(runs):.2f}", file=report, flush=True
            )
        missed = [
            f"{name}: at most {most:g} wanted" for name, most in MOST.items() if median(taken[name]) > most
        ]
        for line in missed:
            print(f"MISSED: {line}", file=report, flush=True)
        os.close(1)
    sys.exit(1 if missed else 0)


def resolve_microseconds(requests: int) -> float:
    resolve = resolver(Hops(x_for=1), Settings().networks)
    environ: dict[str, Any] = dict(ENVIRON)
    begun = process_time()
    for _ in range(requests):
        environ["REMOTE_ADDR"] = "10.0.0.7"
        resolve(environ)
    return (process_time() - begun) / requests * 1e6


if __name__ == "__main__":
    main()
