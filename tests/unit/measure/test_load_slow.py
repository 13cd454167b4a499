"""Clients that are slow on purpose: they hold the server up as they say, and time it by nothing they did."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.measure.load import Ask, Kind, Load, Outcome, Profile
from live import wait_until
from tiny_server import OK, Server, answer_and_reset, keep_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.measure.load import Result

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\nConnection: close\r\n\r\n"


def answer_whole(server: Server, connection: socket.socket, number: int) -> None:
    data = b""
    while len(data.partition(b"\r\n\r\n")[2]) < 2000:
        piece = connection.recv(65536)
        if not piece:
            return
        data += piece
    connection.sendall(OK)


def one(server: Server, ask: Ask, **profile: float) -> Result:
    with Load(Profile(target=server.url, mix=(ask,), **profile)) as load:  # type: ignore[arg-type]
        load.burst(1)
        return load.stop()


def test_slow_reader_holds_its_server_up_for_as_long_as_it_reads(serve: Callable[..., Server]) -> None:
    held: list[float] = []

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        server.read(connection)
        began = time.monotonic()
        connection.sendall(HEAD + b"x" * 60_000)
        held.append(time.monotonic() - began)

    # The timeout is shorter than the whole; but something moves all the time.
    result = one(serve(behave), Ask(read_pace=100_000), response_timeout=0.4)

    (record,) = result.records
    assert (record.outcome, record.kind, record.body_bytes) == (Outcome.OK, Kind.SLOW, 60_000)
    assert 0.5 <= record.latency < 5
    assert held[0] > 0.1  # the rest lay in the reader's small buffer when the server was done
    assert result.latency(0.99) == 0.0
    assert result.slowest() is None


def test_upload_comes_in_pieces_at_its_pace_and_whole(serve: Callable[..., Server]) -> None:
    pieces: list[int] = []

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        # A reader that is held up finds the head and the first pieces together.
        pieces.append(len(data.partition(b"\r\n\r\n")[2]))
        while sum(pieces) < 30_000:
            pieces.append(len(connection.recv(65536)))
            assert pieces[-1], "the upload was cut"
        connection.sendall(OK)

    result = one(serve(behave), Ask(method="PUT", size=30_000, send_pace=60_000), response_timeout=0.4)

    (record,) = result.records
    assert (record.outcome, record.kind) == (Outcome.OK, Kind.UPLOAD)
    assert sum(pieces) == 30_000
    assert len(pieces) > 1
    assert record.sent is not None
    assert (
        record.finished - record.sent >= 0.4
    )  # half a second, less the first piece and the last one's share


@pytest.mark.parametrize("pace", [10_000_000, 30_000_000, 100_000_000])
def test_upload_is_not_forgotten_however_short_its_pauses(serve: Callable[..., Server], pace: int) -> None:
    # After its head it pauses for some microseconds: about as long as it takes to find that out.
    ask = Ask(method="POST", size=2000, send_pace=pace)
    with Load(Profile(target=serve(answer_whole).url, mix=(ask,), response_timeout=5)) as load:
        for _ in range(10):
            load.burst(20)
        result = load.stop(5)

    assert len(result.records) == 200
    assert {record.outcome for record in result.records} == {Outcome.OK}


def test_answer_to_a_slow_upload_is_taken_at_once(serve: Callable[..., Server]) -> None:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    result = one(serve(behave), Ask(method="POST", size=1_000_000, send_pace=1000))

    assert [(r.outcome, r.status, r.latency < 5) for r in result.records] == [(Outcome.OK, 413, True)]


def test_reset_of_a_slow_reader_is_seen_after_what_had_come(serve: Callable[..., Server]) -> None:
    result = one(serve(answer_and_reset(HEAD + b"x" * 30_000)), Ask(read_pace=1_000_000))

    (record,) = result.records
    assert record.outcome is Outcome.RESET
    assert record.error == "ECONNRESET: Connection reset by peer"


def test_slow_reader_of_a_silent_server_times_out(serve: Callable[..., Server]) -> None:
    release = threading.Event()

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        connection.sendall(HEAD + b"x" * 100)
        release.wait(10)

    result = one(serve(behave), Ask(read_pace=100_000), response_timeout=0.3)
    release.set()

    assert result.counts() == {"timeout": 1}


def test_keepalive_clients_leave_the_slow_requests_to_the_schedule(serve: Callable[..., Server]) -> None:
    server = serve(keep_alive)
    mix = (Ask(path="/slow", read_pace=1000), Ask(path="/quick"))
    with Load(
        Profile(target=server.url, rate=20, mix=mix, keepalive_clients=2, keepalive_spacing=0.05)
    ) as load:
        wait_until(lambda: load.look().finished >= 20, 10, "twenty requests")
        result = load.stop()

    assert {(r.kind, r.path) for r in result.records} == {
        (Kind.SLOW, "/slow"),
        (Kind.FRESH, "/quick"),
        (Kind.KEEPALIVE, "/quick"),
    }


@pytest.mark.parametrize(("mix", "clients"), [((), 0), ((Ask(read_pace=1000),), 1)])
def test_mix_that_leaves_nothing_to_send_is_refused(mix: tuple[Ask, ...], clients: int) -> None:
    profile = partial(Profile, target="http://127.0.0.1:9", keepalive_clients=clients)

    with pytest.raises(ConfigurationError, match="mix: has"):
        Load(profile(mix=mix))
