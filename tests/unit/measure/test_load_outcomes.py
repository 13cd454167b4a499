"""How a request ended, told apart by the exact thing that happened on its socket."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, Load, Outcome, Profile
from live import reserved_port
from tiny_server import OK, Server, answer, answer_and_reset, burst_of, silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        (OK, Outcome.OK, 200),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Outcome.OK, 404),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Outcome.STATUS_ERROR, 503),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Outcome.OK, 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Outcome.TRUNCATED, 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Outcome.TRUNCATED, 200),
        (b"HTTP/1.0 200 OK\r\n\r\nup to the close", Outcome.OK, 200),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, Outcome.OK, 200),
        (b"HTTP/1.1 200 OK\r\nContent-", Outcome.EOF, None),
        (b"", Outcome.EOF, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok", Outcome.MALFORMED, 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", Outcome.MALFORMED, 200),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Outcome.MALFORMED, None),
    ],
)
def test_outcome_is_told_from_the_answer(
    serve: Callable[..., Server], reply: bytes, outcome: Outcome, status: int | None
) -> None:
    result = burst_of(serve(answer(reply)).url)

    assert [r.outcome for r in result.records] == [outcome] * 3
    assert {r.status for r in result.records} == {status}
    assert all(r.is_accepted and r.is_sent for r in result.records)


@pytest.mark.parametrize(
    ("field", "task"),
    [
        (b"X-Gunwale-Task: unix:/run/v3.1.sock\r\n", "unix:/run/v3.1.sock"),
        # A balancer that asked a second target says both, and it is to be seen.
        (b"X-Gunwale-Task: a\r\nX-Gunwale-Task: b\r\n", "a,b"),
        (b"", ""),
    ],
)
def test_task_that_answered_is_the_one_the_balancer_names(
    serve: Callable[..., Server], field: bytes, task: str
) -> None:
    result = burst_of(serve(answer(b"HTTP/1.1 502 Bad\r\n" + field + b"Content-Length: 0\r\n\r\n")).url)

    assert [r.task for r in result.records] == [task] * 3


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"])
def test_reset_is_told_from_an_end(serve: Callable[..., Server], reply: bytes) -> None:
    result = burst_of(serve(answer_and_reset(reply)).url)

    assert result.counts() == {"reset": 3}
    assert {r.error for r in result.records} == {"ECONNRESET: Connection reset by peer"}
    assert all(r.is_broken for r in result.records)


def test_refused_connection_was_never_accepted_and_is_not_broken() -> None:
    with reserved_port() as (port, _):
        result = burst_of(f"http://127.0.0.1:{port}")

    assert result.counts() == {"refused": 3}
    assert not any(r.is_accepted or r.is_sent or r.is_broken for r in result.records)


def test_missing_unix_socket_counts_as_refused(tmp_path: Path) -> None:
    assert burst_of(f"unix:{tmp_path}/gone").counts() == {"refused": 3}


def test_silent_server_is_a_timeout_of_the_response(serve: Callable[..., Server]) -> None:
    result = burst_of(serve(silent).url, response_timeout=0.2)

    assert result.counts() == {"timeout": 3}
    assert all(r.is_accepted for r in result.records)


def test_dropped_syn_is_a_timeout_of_a_connection_never_accepted() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # A queue of one, taken by the first; the kernel drops what comes after, silently.
        with socket.create_connection(full.getsockname()):
            result = burst_of(f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.3)

    assert result.counts() == {"timeout": 3}
    assert not any(r.is_accepted or r.is_broken for r in result.records)


def test_full_queue_of_a_unix_socket_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        with (
            socket.socket(socket.AF_UNIX) as first,
            Load(Profile(target=f"unix:{path}", mix=(Ask(),))) as load,
        ):
            first.connect(path)
            sender = threading.Thread(target=load.burst, args=(1,))
            sender.start()
            listener.accept()[0].close()
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(OK)
            result = load.stop()
            sender.join()

    assert result.counts() == {"ok": 1}


def test_stopping_with_a_request_outstanding_calls_it_unfinished(serve: Callable[..., Server]) -> None:
    server = serve(silent)
    with Load(Profile(target=server.url, mix=(Ask(),))) as load:
        load.burst(1)
        result = load.stop(grace=0.1)

    assert result.counts() == {"unfinished": 1}
    assert [r.is_broken for r in result.records] == [True]
