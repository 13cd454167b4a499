"""Descriptors run out, in the supervisor and in a worker: something is said, and nothing ends or spins."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live import raw, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def gunwale(verb: str, bind: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "gunwale", verb, "--bind", bind]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def lowest_free(pid: int) -> int:
    held = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    return min(set(range(len(held) + 1)) - held)


def forbid_more_descriptors(pid: int) -> None:
    numbers = []
    for _ in range(10):  # a client of the admin port may be just leaving
        numbers.append(lowest_free(pid))
        time.sleep(0.02)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(numbers), hard))


def allow_descriptors(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))


def test_a_supervisor_without_descriptors_says_so_and_does_not_spin(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    forbid_more_descriptors(served.pid)
    with raw("127.0.0.1", served.admin_port) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        served.wait_for_log("admin port or control socket: cannot accept: Too many open files")
        before = cpu_ticks(served.pid)
        time.sleep(1.5)
        assert cpu_ticks(served.pid) - before <= 10  # 100 ms
        assert served.get("/").status == 200
        allow_descriptors(served.pid)

        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert served.ask_admin("/ready").status == 200


@pytest.mark.needs_steering
def test_a_reload_without_descriptors_is_refused_and_changes_nothing(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    forbid_more_descriptors(served.pid)
    served.send(signal.SIGHUP)
    served.wait_for_log(r"reload refused: a second generation cannot be started: Too many open files")
    allow_descriptors(served.pid)

    assert served.get("/").status == 200
    assert gunwale("reload", f"127.0.0.1:{served.port}").returncode == 0
    assert served.get("/").status == 200


def test_a_server_that_cannot_be_started_again_yet_is_started_later(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    (leader,) = served.children()
    forbid_more_descriptors(served.pid)
    subprocess.run(["kill", "-KILL", str(leader)], check=True)
    served.wait_for_log("the server cannot be started: Too many open files")
    allow_descriptors(served.pid)
    served.wait_for_workers(2)

    assert served.get("/").status == 200


def test_clients_that_fill_the_admin_port_keep_nobody_from_the_control_socket(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    clients = [raw("127.0.0.1", served.admin_port) for _ in range(140)]
    # The last ones are closed unheard.
    served.wait_until(lambda: clients[-1].recv(1) == b"", 5, "the places are taken")
    outcome = gunwale("status", f"127.0.0.1:{served.port}")

    assert outcome.returncode == 0, outcome.stderr
    assert "serving" in outcome.stdout
    for sock in clients:
        sock.close()
    assert request("127.0.0.1", served.admin_port, "/health").status == 200
