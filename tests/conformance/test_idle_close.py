"""An idle connection is closed: what comes just before is answered, what comes just after meets no reset."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import time
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response, wait_until
from served import has_several_requests, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

KEEPALIVE = 1.0


def ask(sock: socket.socket, path: str = "/") -> None:
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())


def has_ended(sock: socket.socket) -> bool:
    asked = select.poll()
    asked.register(sock, select.POLLRDHUP)
    return bool(asked.poll(0))


def assert_no_reset(sock: socket.socket) -> None:
    """Ask on a connection that the server has just closed, as a client that has not seen it yet."""
    ask(sock)
    time.sleep(0.05)  # on the loopback interface a reset comes with the request
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert sock.recv(1) == b""


@only(has_several_requests)
def test_at_the_end_of_keepalive_what_has_come_is_answered_and_what_crosses_meets_no_reset(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """The server learns late of the request: something keeps the interpreter from it."""
    served = serve(*variant.options, "--set", f"serve.keepalive={KEEPALIVE:g}", workers=1)
    with (
        raw("127.0.0.1", served.port) as kept,
        raw("127.0.0.1", served.port) as holds,
        raw("127.0.0.1", served.port) as wakes,
    ):
        ask(kept)
        assert read_response(kept).status == 200
        answered = time.monotonic()
        ask(holds, f"/hold?seconds={KEEPALIVE + 1:g}")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "it holds the lock")
        assert not has_ended(kept), "this machine is too slow for this test"
        ask(wakes)  # the server's loop, which then waits for the lock, and has not heard of what comes now
        time.sleep(max(0.0, answered + KEEPALIVE + 0.3 - time.monotonic()))
        ask(kept)

        assert read_response(kept).status == 200
        assert read_response(wakes).status == 200
        wait_until(lambda: has_ended(kept), 5 + KEEPALIVE, "its time is over")
        assert_no_reset(kept)


@only(has_several_requests)
def test_at_the_limit_responses_close_and_a_client_that_was_just_answered_may_ask_again(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, shell="ulimit -n 112", workers=1)
    with contextlib.ExitStack() as stack:
        just_answered, is_told = None, False
        for _ in range(112):
            client = stack.enter_context(raw("127.0.0.1", served.port))
            ask(client)
            if is_told := read_response(client).headers.get("connection") == "close":
                break
            just_answered = client
        assert is_told
        assert just_answered is not None
        ask(just_answered)
        assert read_response(just_answered).status == 200


def test_who_makes_room_meets_no_reset(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, shell="ulimit -n 112", workers=1)
    served.wait_for_workers(1)
    said = re.search(r"the descriptor limit holds (\d+) connections", served.log_text())
    places = int(said.group(1)) if said else 16  # Waitress takes three descriptors for one, and says nothing
    with contextlib.ExitStack() as stack:
        # A few more: if many had to go, the first would not linger for long.
        first, *_ = (stack.enter_context(raw("127.0.0.1", served.port)) for _ in range(places + 4))
        wait_until(lambda: has_ended(first), 20, "the first one makes room")
        assert_no_reset(first)


@pytest.mark.slow
@pytest.mark.needs_steering  # else the server is told before it is drained
@only(lambda variant: variant.server == "gunicorn" and has_several_requests(variant))
def test_a_slow_request_on_a_connection_kept_through_the_drain_is_answered(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, workers=1)
    with raw("127.0.0.1", served.port, timeout=20) as kept:
        ask(kept)
        assert read_response(kept).status == 200
        served.terminate()
        served.wait_for_log("generation 1 drained in")
        ask(kept, "/slow?seconds=4")  # within the second for which the worker lingers
        response = read_response(kept)

    assert (response.status, response.headers["connection"]) == (200, "close")
    assert served.wait_exit(15) == 0
