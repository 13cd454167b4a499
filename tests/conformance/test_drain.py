"""What was accepted is finished: slow readers, half-sent uploads and heads, late handshakes, streams."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from served import Served, Variant

DRAIN = ("--lame-duck", "0", "--set", "rollout.stop_timeout=60", "--drain-timeout", "40")


def pattern(size: int) -> bytes:
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def wait_for_the_sink(served: Served) -> None:
    """Wait until the door is closed: readiness says so from the lame duck on, the metrics the rest."""
    served.wait_until(lambda: served.metric('gunwale_state{state="draining"}') == 1, 10, "the door is closed")


def start_download(served: Served, size: int, buffer: int | None = None) -> socket.socket:
    sock = raw("127.0.0.1", served.port, timeout=40)
    if buffer is not None:
        import socket as sockets

        sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, buffer)
    sock.sendall(f"GET /download?bytes={size} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
    return sock


def read_slowly(sock: socket.socket, seconds: float, total: int) -> bytes:
    """Read to the end, spread evenly over *seconds*."""
    began, received = time.monotonic(), bytearray()
    while chunk := sock.recv(65536):
        received += chunk
        ahead = seconds * len(received) / total - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
    return bytes(received)


def test_a_reader_of_ten_seconds_gets_every_byte(variant: Variant, serve: Callable[..., Served]) -> None:
    size = 20_000_000
    served = serve(*variant.options, *DRAIN)
    with start_download(served, size) as sock:
        sock.recv(1, 2)  # MSG_PEEK: the response has begun
        served.terminate()
        head, _, body = read_slowly(sock, 10, size).partition(b"\r\n\r\n")

    assert b" 200 " in head
    assert hashlib.sha256(body).digest() == hashlib.sha256(pattern(size)).digest()
    assert served.wait_exit(30) == 0


def test_an_upload_half_sent_at_sigterm_completes(variant: Variant, serve: Callable[..., Served]) -> None:
    data = pattern(500_000)
    served = serve(*variant.options, *DRAIN)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(f"POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        sock.sendall(data[:100_000])
        served.terminate()
        wait_for_the_sink(served)
        time.sleep(1)  # longer than the quiet time after which a server with nothing to do is stopped
        sock.sendall(data[100_000:])
        response = read_response(sock)

    assert response.text == hashlib.sha256(data).hexdigest()
    assert served.wait_exit(30) == 0


def test_a_head_half_sent_at_sigterm_is_answered(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, *DRAIN)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: te")
        served.terminate()
        wait_for_the_sink(served)
        time.sleep(1)
        sock.sendall(b"st\r\n\r\n")
        response = read_response(sock)

    assert response.body == b"here\n"
    assert served.wait_exit(30) == 0


def test_what_waits_in_the_accept_queue_is_served(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, *DRAIN, workers=1)
    blocked = [start(served, "/spin?seconds=1") for _ in range(3)]
    queued = [start(served, "/") for _ in range(20)]
    served.terminate()
    answers = [read_response(sock) for sock in (*blocked, *queued)]
    for sock in (*blocked, *queued):
        sock.close()

    assert [answer.status for answer in answers] == [200] * 23
    assert served.wait_exit(30) == 0


def start(served: Served, path: str) -> socket.socket:
    sock = raw("127.0.0.1", served.port, timeout=30)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    return sock


def test_an_idle_connection_does_not_hold_the_stop_up(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, *DRAIN)
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        assert read_response(sock).status == 200
        began = served.terminate()

        assert served.wait_exit(20) == 0
        assert time.monotonic() - began < 10  # Gunicorn's gevent worker alone: all of drain_timeout


@pytest.mark.needs_steering("waitress")  # which alone lets it go at once
def test_a_silent_connection_is_waited_for_five_seconds(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, *DRAIN)
    served.get()
    with raw("127.0.0.1", served.port) as sock:
        sock.settimeout(20)
        time.sleep(0.2)  # accepted, most likely; if it is still queued the promise is the same
        began = served.terminate()
        assert served.wait_exit(20) == 0

        assert 4 < time.monotonic() - began < 12


@pytest.mark.needs_steering
def test_attempts_during_the_drain_wait_and_are_refused_after_the_exit(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, *DRAIN)
    busy = start(served, "/slow?seconds=3")
    served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
    served.terminate()
    wait_for_the_sink(served)
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            raw("127.0.0.1", served.port, timeout=30).close()
            outcomes.append("connected")
        except OSError as error:
            outcomes.append(type(error).__name__)

    attempts = [threading.Thread(target=attempt) for _ in range(5)]
    for thread in attempts:
        thread.start()
    assert read_response(busy).status == 200
    busy.close()
    assert served.wait_exit(20) == 0
    for thread in attempts:
        thread.join(30)

    assert outcomes == ["ConnectionRefusedError"] * 5


def test_a_request_past_drain_timeout_is_cut_and_named(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, "--lame-duck", "0", "--drain-timeout", "2", "--request-timeout", "1.5")
    # It makes progress, so that it is not its own deadline that ends it.
    busy = start(served, "/endless")
    identity = re.search(rb"(?i)x-request-id: (\w+)", busy.recv(4096))
    assert identity
    began = served.terminate()

    assert served.wait_exit(15) == 0
    # What drain_timeout leaves of stop_timeout is three seconds: then the platform ends everything.
    assert 2 <= time.monotonic() - began < 2 + 3
    assert re.search(rf"cut: request {identity.group(1).decode()} in worker \d+", served.log_text())
    busy.close()


def test_server_sent_events_see_the_drain(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, *DRAIN)
    with start(served, "/events") as sock:
        received = b""
        while b"tick" not in received:
            received += sock.recv(65536)
        served.terminate()
        while chunk := sock.recv(65536):
            received += chunk

    assert b"event: draining" in received
    assert served.wait_exit(20) == 0
