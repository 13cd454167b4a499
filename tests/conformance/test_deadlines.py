"""request_timeout: a stuck request is given up, its stack is in the log, and only it is lost."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, LoadProcess, Profile
from live import raw, read_response, wait_until
from served import has_several_processes, has_several_requests, only

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from served import Served, Variant

TIMEOUT = 3.0
OPTIONS = ("--set", f"serve.request_timeout={TIMEOUT:g}")
LATE = 3.0
"""Seconds past request_timeout, on a busy machine, in which the promise must have been kept."""
FUNCTIONS = {
    "/spins": "spins_forever",
    "/database": "waits_for_the_database",
    "/sleeps": "sleeps_forever",
    "/holds": "holds_the_lock",
}


def ask(served: Served, path: str) -> socket.socket:
    sock = raw("127.0.0.1", served.port, timeout=30)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nX-Request-ID: of-{path[1:]}\r\n\r\n".encode())
    return sock


def wait_for_the_end(sock: socket.socket) -> float:
    """Seconds until the request is over: cut, or answered with an error."""
    began = time.monotonic()
    with contextlib.suppress(OSError):
        assert read_response(sock).status == 500
    return time.monotonic() - began


def start(serve: Callable[..., Served], variant: Variant, **keywords: object) -> Served:
    served = serve(*variant.options, *OPTIONS, app="stuck:application", **keywords)
    served.wait_for_workers(2 if "workers" not in keywords else 1)
    return served


def stack_of(served: Served) -> str:
    return served.wait_for_log(r"(?s)(given up: request .*?|is frozen: .*?\n)(?=\n\S*gunwale\[|\Z)").group()


@pytest.mark.parametrize("path", ["/spins", "/database", "/sleeps"])
def test_only_the_stuck_request_is_lost(variant: Variant, serve: Callable[..., Served], path: str) -> None:
    served = start(serve, variant)
    profile = Profile(
        target=f"http://127.0.0.1:{served.port}", rate=15, mix=(Ask(path="/"),), keepalive_clients=4
    )
    with LoadProcess(profile) as load:
        with ask(served, path) as sock:
            seconds = wait_for_the_end(sock)
        served.wait_for_workers(2)
        time.sleep(2)  # the load goes on while a worker is replaced
        result = load.stop(grace=10)

    assert TIMEOUT - 0.1 <= seconds <= TIMEOUT + LATE
    assert result.failed() == ()
    served.wait_for_log(rf"given up: request \S+ \(GET '{path}'\) has not moved for 3\.\d s")
    assert f"in {FUNCTIONS[path]}\n" in served.log_text()


def test_a_call_that_holds_the_interpreter_is_ended_from_outside(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = start(serve, variant)
    with ask(served, "/holds") as sock:
        seconds = wait_for_the_end(sock)
    served.wait_for_workers(2)

    assert seconds <= TIMEOUT + 2 + LATE
    assert {served.get("/").status for _ in range(10)} == {200}
    served.wait_for_log(r"is frozen: nothing has moved for [5-9]\.\d s.*lost with it: \S+; its stacks:")
    served.wait_for_log(r"in holds_the_lock")


@pytest.mark.needs_steering
@only(lambda variant: not has_several_processes(variant))
def test_a_process_with_a_stuck_thread_is_replaced_and_does_not_wait_for_it(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = start(serve, variant)
    pid = served.get("/pid").text
    with ask(served, "/spins") as sock:
        wait_for_the_end(sock)
    served.wait_for_log("generation 2 serves", 20)
    served.wait_for_log("generation 1 drained", 10)
    served.wait_until(lambda: len(served.children()) == 1, 10, "the old process is gone")

    assert served.get("/pid").text != pid


@only(has_several_requests)
def test_the_other_requests_of_a_retiring_worker_are_finished(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """Gunicorn's own graceful_timeout under gunwale is two seconds: theirs is longer."""
    served = start(serve, variant, workers=1)
    with ask(served, "/sleeps") as stuck:
        time.sleep(TIMEOUT - 0.5)
        others = [ask(served, "/slow?seconds=2.5") for _ in range(3)]
        wait_for_the_end(stuck)

        assert [read_response(sock).status for sock in others] == [200] * 3
        assert served.get("/").status == 200
    for sock in others:
        sock.close()


@only(has_several_requests)
def test_requests_that_wait_for_a_spinning_one_are_not_given_up_for_it(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """A greenlet that never gives the loop away holds up requests that are older than itself."""
    served = start(serve, variant, workers=1)
    others = [ask(served, "/slow?seconds=2") for _ in range(3)]
    served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 3, 5, "they run")
    with ask(served, "/spins") as stuck:
        wait_for_the_end(stuck)

        assert [read_response(sock).status for sock in others] == [200] * 3
    assert served.log_text().count("given up") == 1
    for sock in others:
        sock.close()


@only(lambda variant: variant.has_threads)
def test_what_waits_behind_nothing_but_stuck_threads_is_answered(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = start(serve, variant, workers=1)
    stuck = [ask(served, "/sleeps") for _ in range(8)]
    served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 8, 5, "all threads are stuck")
    waiting = [ask(served, "/") for _ in range(5)]

    assert [read_response(sock).status for sock in waiting] == [200] * 5
    for sock in (*stuck, *waiting):
        sock.close()


def test_what_moves_may_take_longer(variant: Variant, serve: Callable[..., Served]) -> None:
    """An event stream, a slow download and a slow upload, each for twice request_timeout."""
    served = start(serve, variant)
    bodies: dict[str, bytes] = {}

    def stream() -> None:
        with ask(served, f"/ticks?seconds={2 * TIMEOUT}") as sock:
            bodies["stream"] = read_response(sock).body

    def download() -> None:
        with raw("127.0.0.1", served.port, timeout=30) as sock:
            sock.sendall(b"GET /download?bytes=20000000 HTTP/1.0\r\nHost: test\r\n\r\n")
            parts = []
            until = time.monotonic() + 2 * TIMEOUT
            while part := sock.recv(1 << 16):
                parts.append(part)
                if time.monotonic() < until:
                    time.sleep(0.2)
            bodies["download"] = b"".join(parts).partition(b"\r\n\r\n")[2]

    def upload() -> None:
        with raw("127.0.0.1", served.port, timeout=30) as sock:
            sock.sendall(b"POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 300000\r\n\r\n")
            for _ in range(30):
                sock.sendall(b"x" * 10000)
                time.sleep(2 * TIMEOUT / 30)
            bodies["upload"] = read_response(sock).body

    threads = [threading.Thread(target=each) for each in (stream, download, upload)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert bodies["stream"].endswith(b"end\n")
    assert len(bodies["download"]) == 20_000_000
    assert len(bodies["upload"]) == 64
    assert "given up" not in served.log_text()


def test_a_client_that_takes_nothing_is_cut_and_costs_no_thread(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = start(serve, variant, workers=1)
    pid = served.get("/pid").text
    with ask(served, "/download?bytes=300000000"):
        served.wait_for_log(r"given up: request \S+ \(GET '/download'\)")
        wait_until(
            lambda: served.metric("gunwale_requests_in_flight") == 0, 5 + LATE, "the request has ended"
        )

        if variant.worker_class != "sync":
            assert served.get("/pid").text == pid
        assert served.get("/").status == 200


def test_a_quick_request_leaves_no_trace_of_the_watch(variant: Variant, serve: Callable[..., Served]) -> None:
    served = start(serve, variant)
    served.get("/slow?seconds=1.5")

    assert not re.search("given up|deadline's watch failed", served.log_text())
