"""What reading the forwarded fields costs a request, beside Werkzeug's ProxyFix in the same run.

    python bench/forwarded.py [REQUESTS]

Prints the medians of nine runs and their intervals, in microseconds a request over a bare application: CPU
time of this process. Every request has an environ of its own, a list of two addresses, and is told apart
from the one before by its client, as requests are.
"""

from __future__ import annotations

import sys
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from werkzeug.middleware.proxy_fix import ProxyFix

from gunwale.runtime.middleware import Forwarded

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

RUNS = 9
HANDFUL = 200
LIMIT_MICROSECONDS = 3.0
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/products/17",
    "QUERY_STRING": "page=2&sort=price",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_SOFTWARE": "gunicorn/27.0.1",
    "REMOTE_ADDR": "10.0.0.7",
    "HTTP_HOST": "shop.example",
    "wsgi.url_scheme": "http",
}
BODY = [b"hello\n"]


def trivial(_environ: dict[str, Any], _start_response: object) -> list[bytes]:
    return BODY


def microseconds(application: WSGIApplication, requests: int, **fields: str) -> float:
    """Time whole handfuls of environs, made just before, as a server has just made its one."""
    taken = 0.0
    for _ in range(requests // HANDFUL):
        environs = [
            {**ENVIRON, "HTTP_X_FORWARDED_FOR": f"203.0.113.{number}, 10.1.0.4", **fields}
            for number in range(HANDFUL)
        ]
        begun = process_time()
        for environ in environs:
            application(environ, None)  # type: ignore[arg-type]  # nothing is started
        taken += process_time() - begun
    return taken / requests * 1e6


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    proto = {"HTTP_X_FORWARDED_PROTO": "https"}
    cases: dict[str, tuple[WSGIApplication, dict[str, str]]] = {
        "gunwale, X-Forwarded-For": (Forwarded(trivial, x_for=2, x_proto=0), {}),
        "ProxyFix, X-Forwarded-For": (ProxyFix(trivial, x_for=2, x_proto=0), {}),
        "gunwale, and -Proto": (Forwarded(trivial, x_for=2), proto),
        "ProxyFix, and -Proto": (ProxyFix(trivial, x_for=2), proto),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, (application, fields) in cases.items():
            bare = microseconds(trivial, count, **fields)
            taken[name].append(microseconds(application, count, **fields) - bare)
    print(f"{'µs a request, over ' + format(count, ',') + ' requests':42} median  interval")
    for name, runs in taken.items():
        print(f"{name:42} {median(runs):6.2f}  {min(runs):.2f} to {max(runs):.2f}")
    cost = median(taken["gunwale, X-Forwarded-For"])
    if cost > LIMIT_MICROSECONDS:
        sys.exit(f"{cost:.2f} µs are more than {LIMIT_MICROSECONDS:g}")


if __name__ == "__main__":
    main()
