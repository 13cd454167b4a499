"""A handshake whose last ACK is late: connected for the client, while the server cannot accept it yet."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from late_client import SERVER, LateClient, in_own_network
from live import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

SIZE = 300_000
DRAIN = ("--lame-duck", "0", "--set", "rollout.stop_timeout=60", "--drain-timeout", "40")

pytestmark = [
    pytest.mark.needs_steering,
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="needs /dev/net/tun: modprobe tun"),
]


def test_a_handshake_whose_last_ack_comes_during_the_drain_is_served(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    def act() -> None:
        with LateClient() as client:
            served = serve(*variant.options, *DRAIN, bind=f"{SERVER}:0")
            client.port = served.port
            served.wait_for_workers(2)
            client.knock()
            served.terminate()
            served.wait_until(
                lambda: served.metric('gunwale_state{state="draining"}') == 1, 10, "the door is closed"
            )
            time.sleep(1)  # longer than the quiet time after which a server with nothing to do is stopped
            with pytest.raises(TimeoutError):
                raw(SERVER, served.port, timeout=0.5)  # the door is closed to everybody else
            head, _, body = client.ask(request(served.port), 30).partition(b"\r\n\r\n")

            assert b" 200 " in head
            assert hashlib.sha256(body).digest() == hashlib.sha256(pattern(SIZE)).digest()
            assert served.wait_exit(30) == 0

    in_own_network(act, 100)


def request(port: int) -> bytes:
    lines = f"GET /download?bytes={SIZE} HTTP/1.1\r\nHost: {SERVER}:{port}\r\nConnection: close\r\n\r\n"
    return lines.encode()


def pattern(size: int) -> bytes:
    return (bytes(range(256)) * (size // 256 + 1))[:size]
