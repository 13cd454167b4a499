"""A server that is told to stop by somebody else than the supervisor: its own drain, and what follows."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from live import raw, read_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def test_it_finishes_its_requests_and_is_started_again(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(b"GET /slow?seconds=1 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        (leader,) = served.children()
        os.kill(leader, signal.SIGTERM)

        assert read_response(sock).body == b"here\n"
    served.wait_for_log(r"the server ended \(exit status 0\); starting it again")
    assert served.get("/", timeout=30).status == 200


def test_at_sigquit_it_ends_at_once(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(b"GET /slow?seconds=30 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        served.send(signal.SIGQUIT)

        assert served.wait_exit(5) == 0
    assert "cut: request" in served.log_text()
