"""A worker that a debugger holds, or that somebody has stopped, is replaced; the others serve meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tracer
from live import raw, wait_until
from served import has_several_processes, only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from served import Served, Variant

TIMEOUT = 4.0
OPTIONS = ("--set", f"serve.request_timeout={TIMEOUT:g}")


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextlib.contextmanager
def traced(pid: int) -> Iterator[None]:
    """Hold every thread of *pid* in ptrace-stop."""
    words = [sys.executable, tracer.__file__, str(pid)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"stopped\n"
            assert state(pid) == "t"
            yield
        finally:
            process.kill()  # which lets the traced go on


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop *pid* by SIGSTOP, unless it has done so itself."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state(pid) == "T", 5, "it is stopped")
    yield


HOLDS = {"ptrace": traced, "SIGSTOP": stopped}


@pytest.mark.parametrize("hold", HOLDS)
@only(has_several_processes)
def test_a_worker_that_is_held_is_replaced_and_the_others_serve_meanwhile(
    variant: Variant, serve: Callable[..., Served], hold: str
) -> None:
    served = serve(*variant.options, *OPTIONS)
    served.wait_for_workers(2)
    pid = int(served.get("/pid").text)
    with HOLDS[hold](pid):
        for _ in range(20):
            assert served.get("/", timeout=5).status == 200
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 30, "the held worker is gone")
        served.wait_for_workers(2)
        served.wait_for_log(rf"Worker \(pid:{pid}\) is frozen: nothing has moved for")

        assert served.get("/").status == 200


@pytest.mark.parametrize("hold", HOLDS)
@only(lambda variant: not has_several_processes(variant))
def test_one_process_that_is_held_is_replaced_and_what_came_meanwhile_is_answered(
    variant: Variant, serve: Callable[..., Served], hold: str
) -> None:
    served = serve(*variant.options, *OPTIONS)
    pid = int(served.get("/pid").text)
    with HOLDS[hold](pid):
        answer = served.get("/pid", timeout=30)  # waits in the queue

        assert answer.status == 200
        assert int(answer.text) != pid
        served.wait_for_log(rf"process {pid} is frozen: nothing has moved for")


@pytest.mark.parametrize("hold", HOLDS)
def test_a_request_in_a_worker_that_is_held_is_named_and_ended(
    variant: Variant, serve: Callable[..., Served], hold: str
) -> None:
    served = serve(*variant.options, *OPTIONS, workers=1)
    pid = int(served.get("/pid").text)
    with raw("127.0.0.1", served.port, timeout=30) as sock:
        # The deadline must not pass before it is held; what can stop itself is not late on a busy machine.
        path = "/stop" if hold == "SIGSTOP" else "/slow?seconds=20"
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nX-Request-ID: held-one\r\n\r\n".encode())
        if hold == "SIGSTOP":
            wait_until(lambda: state(pid) == "T", 10, "it has stopped itself")
        else:
            served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, TIMEOUT, "it runs")
        with HOLDS[hold](pid):
            began = time.monotonic()
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(100) == b"", served.log_text()

            assert time.monotonic() - began < TIMEOUT + 2 + 6
            served.wait_for_log("is frozen: nothing has moved for")
            served.wait_until(lambda: served.get("/pid").text != str(pid), 20, "another one serves")
