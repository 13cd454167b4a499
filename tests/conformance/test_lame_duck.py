"""Lame duck: not ready from the first moment, and every request still succeeds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from live import raw, read_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def test_readiness_is_503_on_both_ports_while_requests_succeed(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, "--lame-duck", "2")
    assert served.get("/ready").status == 200
    served.wait_until(lambda: served.ask_admin("/ready").status == 200, 10, "the checks have run")
    began = served.terminate()
    served.wait_for_log("lame duck for 2 s")
    statuses = set()
    while time.monotonic() < began + 1.5:
        assert served.ask_admin("/ready").status == 503
        assert served.get("/ready").status == 503
        assert served.ask_admin("/health").status == 200
        assert served.get("/health").status == 200
        statuses.add(served.get("/").status)

    assert statuses == {200}
    assert served.wait_exit(20) == 0


def test_every_response_closes_its_connection(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, "--lame-duck", "2")
    with raw("127.0.0.1", served.port) as sock:
        if variant.worker_class != "sync":  # which closes every connection anyway
            sock.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            assert read_response(sock).headers.get("connection") != "close"
        served.terminate()
        served.wait_for_log("lame duck for 2 s")
        sock.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")

        assert read_response(sock).headers["connection"] == "close"
    assert served.wait_exit(20) == 0


def test_sigint_has_no_lame_duck(variant: Variant, serve: Callable[..., Served]) -> None:
    import signal

    served = serve(*variant.options, "--lame-duck", "20", "--set", "rollout.stop_timeout=60")
    served.get()
    began = served.send(signal.SIGINT)

    assert served.wait_exit(15) == 0
    assert time.monotonic() - began < 10
