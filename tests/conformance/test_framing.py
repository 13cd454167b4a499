"""Requests that two parsers of one chain may read differently, and what becomes of their connection."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

SMUGGLED = b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n"
TWO_FRAMINGS = (
    b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)
OLD_AND_CHUNKED = (
    b"POST / HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n"
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)
TWO_HOSTS = b"GET / HTTP/1.1\r\nHost: test\r\nHost: other\r\n\r\n"


def everything(served: Served, sent: bytes) -> bytes:
    """Send *sent*, and read until the server closes."""
    received = b""
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(sent)
        while chunk := sock.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("request_", [TWO_FRAMINGS, OLD_AND_CHUNKED], ids=["1.1", "1.0"])
def test_what_follows_a_request_of_two_framings_is_not_answered(
    variant: Variant, serve: Callable[..., Served], request_: bytes
) -> None:
    """RFC 9112 §6.3: whatever the answer, the connection closes after it."""
    received = everything(serve(*variant.options, workers=1), request_ + SMUGGLED)

    assert len(re.findall(rb"HTTP/1\.[01] \d{3} ", received)) == 1


def test_a_request_of_two_hosts_is_refused(variant: Variant, serve: Callable[..., Served]) -> None:
    """RFC 9112 §3.2."""
    received = everything(serve(*variant.options, workers=1), TWO_HOSTS)

    assert received.startswith(b"HTTP/1.1 400 ")


def test_a_refusal_reaches_a_client_that_is_still_sending(
    variant: Variant, serve: Callable[..., Served], request: pytest.FixtureRequest
) -> None:
    """A close with unread data makes the kernel reset the connection, and the answer with it."""
    if variant.worker_class == "gevent":
        reason = "Gunicorn's gevent worker closes at once (27.0.1, base_async.py)"
        request.applymarker(pytest.mark.xfail(reason=reason, raises=ConnectionError))
    served = serve(*variant.options, workers=1)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(TWO_HOSTS)
        for _ in range(4):
            sock.sendall(b"x" * 10_000)
            time.sleep(0.05)  # for the reset, if there is one

        assert read_response(sock).status == 400


def test_a_client_that_was_told_to_continue_is_waited_for(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """The server spoke last, and still owes the answer: the kernel alone cannot tell."""
    served = serve(*variant.options, "--lame-duck", "0", workers=1)
    with raw("127.0.0.1", served.port, timeout=20) as sock:
        sock.sendall(
            b"POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 100 ")
        served.terminate()
        served.wait_until(
            lambda: served.metric('gunwale_state{state="draining"}') == 1, 10, "the door is closed"
        )
        time.sleep(4)  # longer than a server that was told to stop is left alone
        sock.sendall(b"data")

        assert read_response(sock).status == 200
    assert served.wait_exit(20) == 0
