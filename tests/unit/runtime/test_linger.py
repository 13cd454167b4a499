"""Connections that the server is done with are closed without waiting, and without resetting their peer."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gunwale.runtime.linger import BATCH, PATIENCE, QUIET, Closer
from live import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Give the server's end and the client's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), 10) as client,
        listener.accept()[0] as server,
    ):
        yield server, client


def is_closed(sock: socket.socket) -> bool:
    return sock.fileno() == -1


def test_the_client_reads_all_and_then_the_end(pair: Pair) -> None:
    server, client = pair
    server.sendall(b"answer")
    client.sendall(b"more than was read")
    Closer().close(server)

    assert client.recv(100) == b"answer"
    assert client.recv(100) == b""


def test_it_is_closed_when_its_peer_has_closed(pair: Pair) -> None:
    server, client = pair
    closer = Closer()
    closer.close(server)
    assert not is_closed(server)
    client.close()

    wait_until(lambda: is_closed(server), 1, "the server's end is closed")
    closer.finish()


def test_a_peer_that_stays_is_waited_for_so_long_only(pair: Pair) -> None:
    server, _ = pair
    closer = Closer()
    closer.close(server, timeout=0.2)

    wait_until(lambda: is_closed(server), 2, "the server's end is closed")
    closer.finish()


def test_a_peer_that_sends_on_is_read_so_far_only(pair: Pair) -> None:
    server, client = pair
    closer = Closer()
    closer.close(server, timeout=60, max_drain=1000)
    client.sendall(b"x" * 2000)

    wait_until(lambda: is_closed(server), 2, "the server's end is closed")
    closer.finish()


def test_at_the_end_a_peer_that_has_taken_all_and_is_silent_is_not_waited_for(pair: Pair) -> None:
    server, client = pair
    server.sendall(b"answer")
    closer = Closer()
    closer.close(server)
    began = time.monotonic()
    closer.finish()

    assert time.monotonic() - began < PATIENCE / 2
    assert is_closed(server)
    assert client.recv(100) == b"answer"
    assert client.recv(100) == b""


def test_at_the_end_a_peer_that_still_sends_is_read_on(pair: Pair) -> None:
    server, client = pair
    server.sendall(b"answer")
    closer = Closer()
    closer.close(server)
    end = threading.Thread(target=closer.finish)
    end.start()
    for _ in range(3):  # for longer than QUIET together: closed, it would be a reset
        client.sendall(b"more")
        end.join(QUIET / 2)
        assert end.is_alive()
        assert not is_closed(server)
    end.join()

    assert client.recv(100) == b"answer"
    assert client.recv(100) == b""


def test_at_the_end_a_peer_that_has_not_taken_all_is_waited_for(pair: Pair) -> None:
    server, client = pair
    server.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += server.send(b"x" * 65536)
    server.setblocking(True)
    closer = Closer()
    closer.close(server, timeout=60)
    end = threading.Thread(target=closer.finish)
    end.start()
    end.join(2 * QUIET)
    assert end.is_alive()
    received = 0
    while chunk := client.recv(1 << 20):
        received += len(chunk)
    end.join()

    assert received == sent


def test_finished_ones_are_closed_by_those_that_follow() -> None:
    closer = Closer()
    ours = []
    for _ in range(2 * BATCH):
        server, client = socket.socketpair()
        closer.close(server)
        client.close()
        ours.append(server)

    assert sum(not is_closed(each) for each in ours) <= BATCH
    wait_until(lambda: all(map(is_closed, ours)), 2, "the thread closes the rest")
    closer.finish()
