"""Thousands of clients who are connected and say nothing: others are served all the same."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from typing import TYPE_CHECKING

import pytest

from live import read_response
from served import has_several_requests, only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from served import Served, Variant

SPARE = 500
"""Descriptors of this process that are no idle client."""


@contextlib.contextmanager
def idle_clients(port: int, count: int, *, first: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connect *count* clients; with *first* each makes that request, reads its answer, and falls silent."""
    clients: list[socket.socket] = []
    try:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), 10)
            clients.append(client)
            if first:
                client.sendall(first)
                assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.fixture
def many() -> Iterator[int]:
    """How many clients this machine's hard limit lets one process be, at most 10,000."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield 10_000 if hard == resource.RLIM_INFINITY else min(10_000, hard - SPARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_served(served: Served) -> None:
    """Every answer comes soon, on both ports."""
    for _ in range(5):
        assert served.get("/", timeout=5).status == 200
        assert served.ask_admin("/ready").status == 200


@pytest.mark.parametrize(
    "first", [b"", b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"], ids=["silent", "kept alive"]
)
def test_with_a_descriptor_limit_of_256_six_hundred_idle_clients_shut_nobody_out(
    variant: Variant, serve: Callable[..., Served], first: bytes
) -> None:
    served = serve(*variant.options, shell="ulimit -n 256")
    served.wait_for_workers(2)
    with idle_clients(served.port, 600, first=first):
        is_served(served)
        if not first or has_several_requests(variant):  # sync closes after each answer
            served.wait_for_log("all places for connections are taken")
    served.terminate()

    assert served.wait_exit(15) == 0
    assert not [line for line in served.log_text().splitlines() if "Too many open files" in line]


@only(has_several_requests)
def test_a_request_that_runs_never_makes_room(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, shell="ulimit -n 256", workers=1)
    with socket.create_connection(("127.0.0.1", served.port), 20) as slow:
        slow.sendall(b"GET /slow?seconds=3 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "it runs")
        with idle_clients(served.port, 600):
            is_served(served)

            assert slow.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.slow
def test_ten_thousand_idle_clients_shut_nobody_out(
    variant: Variant, serve: Callable[..., Served], many: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("clients", many)
    served = serve(*variant.options)
    served.wait_for_workers(2)
    with idle_clients(served.port, many):
        is_served(served)
        began = time.monotonic()
        served.terminate()

        assert served.wait_exit(30) == 0
        assert time.monotonic() - began < 15


@only(lambda variant: not has_several_requests(variant))
def test_a_client_that_speaks_late_or_never_takes_no_worker(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """Bare Gunicorn's sync worker waits for whoever is connected until it is killed for it."""
    served = serve(*variant.options, "--set", "serve.request_timeout=2", workers=1)
    worker = served.get("/pid").text
    with idle_clients(served.port, 3) as (late, half, never):
        assert served.get("/", timeout=2).status == 200
        late.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 200 ")
        half.sendall(b"GET / HTTP/1.1\r\n")  # more may come: for this one the worker waits
        assert served.get("/pid", timeout=8).text == worker
        assert half.recv(1) == b""
        never.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert never.recv(100).startswith(b"HTTP/1.1 200 ")


@only(lambda variant: not has_several_requests(variant))
def test_a_silent_client_of_a_worker_that_is_recycled_is_heard(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, "--set", "serve.max_requests=3", workers=1)
    with idle_clients(served.port, 1) as (silent,):
        worker = served.get("/pid").text
        served.wait_until(lambda: served.get("/pid").text != worker, 10, "another worker serves")
        silent.sendall(b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n")

        assert read_response(silent).text == worker
