"""``serve.on_worker_exit``: one callable that ends a worker in the same way on every server."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from served import Served, Variant

HOOK = ("--set", "serve.on_worker_exit=wrapped:at_exit")


def exits(project: Path, name: str = "at_exit") -> list[str]:
    record = project / "record"
    lines = record.read_text().splitlines() if record.exists() else []
    return [line for line in lines if line.split()[0] == name]


def test_it_is_called_once_in_each_worker_when_serve_stops(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    served = serve(*variant.options, *HOOK)
    served.wait_for_workers(2)
    pid = served.get("/pid").text
    assert exits(project) == []
    served.terminate()
    assert served.wait_exit(20) == 0

    called = [line.split()[1] for line in exits(project)]
    assert pid in called
    assert len(called) == len(set(called)) == variant.workers(2)


def test_it_is_called_after_the_last_request(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    served = serve(*variant.options, *HOOK, workers=1)
    with raw("127.0.0.1", served.port, timeout=20) as sock:
        sock.sendall(b"GET /slow?seconds=1.5 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        served.terminate()
        served.wait_for_log("SIGTERM: draining")
        assert exits(project) == []
        assert read_response(sock).status == 200
        # Kept by its client, as proxies do: the worker has time to end before it is killed all the same.
        assert served.wait_exit(20) == 0
    assert len(exits(project)) == 1, served.log_text()


@pytest.mark.needs_steering("waitress")  # a generation of its own takes its place
def test_it_is_called_when_a_worker_is_replaced_after_max_requests(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    options = ("--set", "serve.max_requests=3", "--set", "serve.max_requests_jitter=0")
    served = serve(*variant.options, *HOOK, *options, workers=1)
    first = served.get("/pid").text
    for _ in range(3):
        served.get()
    served.wait_until(lambda: exits(project), 20, "the worker's exit")

    assert exits(project)[0].split()[1] == first


def test_it_is_called_when_serve_stops_at_once(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    served = serve(*variant.options, *HOOK, workers=1)
    served.get()
    served.send(signal.SIGQUIT)
    served.wait_exit(20)

    assert len(exits(project)) == 1, served.log_text()


def test_a_killed_worker_calls_nothing(variant: Variant, serve: Callable[..., Served], project: Path) -> None:
    served = serve(*variant.options, *HOOK, workers=1)
    pid = int(served.get("/pid").text)
    os.kill(pid, signal.SIGKILL)
    served.wait_until(lambda: served.get("/pid").text != str(pid), 20, "another worker")

    assert exits(project) == []


def test_what_it_raises_is_logged_and_stands_in_nobodys_way(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    served = serve(*variant.options, "--set", "serve.on_worker_exit=wrapped:failing", workers=1)
    served.get()
    served.terminate()

    assert served.wait_exit(20) == 0
    assert exits(project, "failing") == ["failing"]
    assert "RuntimeError: the exit went wrong" in served.log_text()


def test_a_name_that_is_none_is_told_at_the_start(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, "--set", "serve.on_worker_exit=wrapped:at_exti", workers=1)

    assert served.wait_exit(20) == 3
    assert "serve.on_worker_exit: 'wrapped:at_exti' is None, not callable" in served.log_text()
