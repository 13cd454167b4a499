"""The load generator against small real servers: what it counts is what happened."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.measure.load import Ask, Kind, Load, Outcome, Profile, Result
from gunwale.measure.load_profile import in_turn
from live import wait_until
from tiny_server import KEPT, OK, Server, answer, answer_and_reset, burst_of, listen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_every_request_sent_is_one_the_server_counted(serve: Callable[..., Server]) -> None:
    server = serve(answer(OK))

    with Load(Profile(target=server.url, rate=100, mix=(Ask(),))) as load:
        wait_until(lambda: server.accepted >= 30, 10, "thirty requests")
        load.burst(20)
        result = load.stop()

    assert result.counts() == {"ok": server.accepted}
    assert len(server.requests) == server.accepted
    assert [r.kind for r in result.records].count(Kind.BURST) == 20
    assert {r.request_id for r in result.records} == {"r-1"}
    assert len({r.id for r in result.records}) == len(result.records)


def test_stall_counts_in_full_for_each_request_that_fell_into_it(serve: Callable[..., Server]) -> None:
    stall = threading.Event()
    begun: list[float] = []

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        if number >= 10:
            begun.append(time.monotonic())
            stall.wait(10)
        connection.sendall(OK)

    server = serve(behave)
    with Load(Profile(target=server.url, rate=50, mix=(Ask(),))) as load:
        wait_until(lambda: begun and time.monotonic() - begun[0] >= 1, 10, "a stall of one second")
        ended = time.monotonic()
        stall.set()
        result = load.stop()

    stalled = [r for r in result.records if begun[0] <= r.intended <= ended and r.finished >= ended]
    assert result.counts() == {"ok": server.accepted}
    # Sent every 20 ms whatever the answers did, so latencies are a ramp from the whole stall to nothing.
    assert len(stalled) >= 40
    assert all(r.latency >= ended - r.intended for r in stalled)
    assert max(r.latency for r in stalled) >= 0.9


def test_keepalive_client_waiting_for_an_answer_does_not_forgive_the_server(
    serve: Callable[..., Server],
) -> None:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        while server.read(connection):
            if len(server.requests) == 3:
                time.sleep(0.5)
            connection.sendall(KEPT)

    server = serve(behave)
    profile = Profile(target=server.url, mix=(Ask(),), keepalive_clients=1, keepalive_spacing=0.05)
    with Load(profile) as load:
        wait_until(lambda: len(server.requests) >= 15, 10, "the client has caught up")
        result = load.stop()

    assert server.accepted == 1
    assert len([r for r in result.records if r.latency > 0.2]) >= 4
    assert result.lag_p99 < 0.2


def test_idle_close_is_no_failure_and_the_client_reconnects(serve: Callable[..., Server]) -> None:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        connection.sendall(KEPT)

    server = serve(behave)
    profile = Profile(target=server.url, mix=(Ask(),), keepalive_clients=2, keepalive_spacing=0.1)
    with Load(profile) as load:
        wait_until(lambda: server.accepted >= 6, 10, "three connections a client")
        result = load.stop()

    assert set(result.counts()) == {"ok"}
    assert result.idle_closes >= 4
    assert not any(r.reused for r in result.records)


def test_connection_dropped_under_a_request_already_sent_breaks_the_client(
    serve: Callable[..., Server],
) -> None:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        connection.sendall(KEPT)
        server.read(connection)
        if number != 1:
            connection.sendall(KEPT)

    server = serve(behave)
    profile = Profile(target=server.url, mix=(Ask(),), keepalive_clients=2, keepalive_spacing=0.1)
    started = time.monotonic()
    with Load(profile) as load:
        wait_until(lambda: server.accepted >= 4, 10, "both reconnected")
        result = load.stop()

    (broken,) = result.failed()
    assert (broken.outcome, broken.reused, broken.is_broken) == (Outcome.EOF, True, True)
    assert result.broken_clients_after(started) == (broken.client,)
    assert result.broken_clients_after(broken.finished) == ()


def test_connection_close_ends_the_connection_of_a_keepalive_client(serve: Callable[..., Server]) -> None:
    server = serve(answer(OK))
    profile = Profile(target=server.url, mix=(Ask(),), keepalive_clients=1, keepalive_spacing=0.05)
    with Load(profile) as load:
        wait_until(lambda: server.accepted >= 5, 10, "five connections")
        result = load.stop()

    assert result.counts() == {"ok": server.accepted}
    assert result.idle_closes == 0


def test_records_are_sorted_by_what_they_were_at_a_moment(serve: Callable[..., Server]) -> None:
    release = threading.Event()

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        release.wait(10)
        if number > 3:
            connection.sendall(OK)

    server = serve(behave)
    with Load(Profile(target=server.url, mix=(Ask(),))) as load:
        load.burst(5)
        wait_until(lambda: len(server.requests) == 5, 10, "five requests read")
        moment = time.monotonic()
        load.burst(4)
        wait_until(lambda: len(server.requests) == 9, 10, "nine requests read")
        server.behave = partial(answer_and_reset(b""), server)
        release.set()
        late = load.burst(2)
        result = load.stop()

    assert len(result.in_flight_at(moment)) == 5
    assert len(result.lost_in_flight_at(moment)) == 3
    assert len(result.broken_after(moment)) == 2
    assert result.failed_before(moment) == ()
    assert all(r.intended <= late for r in result.records)


def test_upload_and_post_carry_their_id_and_their_whole_body(serve: Callable[..., Server]) -> None:
    server = serve(answer(OK))
    mix = (
        Ask(method="POST", path="/orders?key={id}", body='{"key": "{id}"}', fields={"X-Key": "{id}"}),
        Ask(method="PUT", path="/upload", size=3_000_000),
    )
    with Load(Profile(target=server.url, mix=mix)) as load:
        load.burst(2)
        result = load.stop()

    post, put = sorted(server.requests)
    identity = next(r.id for r in result.records if r.method == "POST")
    assert result.counts() == {"ok": 2}
    assert f"POST /orders?key={identity} HTTP/1.1\r\n".encode() in post
    assert f"\r\nIdempotency-Key: {identity}".encode() in post
    assert f"\r\nX-Key: {identity}".encode() in post
    assert f"\r\nContent-Length: {len(identity) + 11}".encode() in post
    assert b"\r\nContent-Length: 3000000" in put
    assert b"Idempotency-Key" not in put


def test_answer_given_before_the_upload_was_read_counts_as_the_answer(serve: Callable[..., Server]) -> None:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    mix = (Ask(method="POST", size=20_000_000),)
    with Load(Profile(target=serve(behave).url, mix=mix)) as load:
        load.burst(2)
        result = load.stop()

    assert {(r.outcome, r.status) for r in result.records} == {(Outcome.OK, 413)}


def test_mix_is_interleaved_by_weight() -> None:
    mix = (Ask(path="/a", weight=3), Ask(path="/b"))
    asks = in_turn(mix)

    assert [next(asks).path for _ in range(8)] == ["/a", "/a", "/b", "/a"] * 2


@pytest.mark.parametrize("family", ["ipv6", "unix"])
def test_addresses_of_every_family(serve: Callable[..., Server], family: str, tmp_path: Path) -> None:
    listener = (
        listen(socket.AF_INET6, ("::1", 0))
        if family == "ipv6"
        else listen(socket.AF_UNIX, str(tmp_path / "s"))
    )
    server = serve(answer(OK), listener)

    assert burst_of(server.url).counts() == {"ok": 3}
    host = {line for head in server.requests for line in head.split(b"\r\n") if line.startswith(b"Host:")}
    assert host == {b"Host: localhost" if family == "unix" else f"Host: {server.url[7:]}".encode()}


@pytest.mark.parametrize("target", ["127.0.0.1:8000", "https://127.0.0.1", "http://", "http://a:b"])
def test_target_that_cannot_be_read_is_refused_with_its_value(target: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT") as caught:
        Load(Profile(target=target, mix=(Ask(),)))

    assert repr(target) in str(caught.value)


def test_result_survives_json_whole(serve: Callable[..., Server]) -> None:
    result = burst_of(serve(answer(OK)).url)

    assert Result.from_json(result.to_json()) == result
