"""Processes that die: a worker, the server, the supervisor."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response, wait_until
from served import has_several_processes, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def test_a_worker_killed_in_mid_request_loses_only_its_own(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    pids = {served.get("/pid").text for _ in range(40)}
    with raw("127.0.0.1", served.port) as sock:
        sock.sendall(b"GET /die HTTP/1.1\r\nHost: test\r\n\r\n")
        with pytest.raises(ConnectionError):
            read_response(sock)
    served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 0, 1, "nothing is in flight")
    served.wait_for_workers(2)

    assert served.get("/").status == 200
    assert {served.get("/pid").text for _ in range(40)} != pids


def test_a_server_that_dies_is_started_again_and_its_queue_is_served(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    (master,) = served.children()
    os.kill(master, signal.SIGKILL)

    assert served.get("/", timeout=30).status == 200
    served.wait_for_log(r"the server ended \(signal SIGKILL\); starting it again")
    assert served.poll() is None


@pytest.mark.parametrize("after", ["0.5", "4"])
def test_workers_that_die_in_a_loop_are_not_started_forever(
    variant: Variant, serve: Callable[..., Served], after: str
) -> None:
    """Each start waits longer; /health stays well, so that nobody restarts the container for it."""
    served = serve(*variant.options, app="crashing:application", env={"CRASH_AFTER": after})
    served.wait_for_log(r"died \d+\.\d s after its start, 2 of 5|the server ended .* starting it again", 30)
    assert served.ask_admin("/health").status == 200

    assert served.wait_exit(60) == 3
    log = served.log_text()
    pauses = [float(seconds) for seconds in re.findall(r"start\w+ (?:it again )?in (\d+\.\d) s", log)]
    assert pauses == [0.1, 0.2, 0.4, 0.8]
    assert re.search(r"(its workers|the server) died 5 times in 60 s \(.*\): giving up", log)


@only(has_several_processes)
def test_a_replacement_that_cannot_boot_leaves_the_others_serving(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    module = project / "changing.py"
    module.write_text("from probe import application\n")
    served = serve(*variant.options, app="changing:application")
    served.wait_for_workers(2)
    module.write_text("raise RuntimeError('half deployed')\n")
    os.kill(int(served.get("/pid").text), signal.SIGKILL)
    served.wait_for_log(r"A worker failed to boot .*; the others serve on")

    assert {served.get("/").status for _ in range(10)} == {200}
    module.write_text("from probe import application  # again\n")
    served.wait_for_workers(2)


def test_nothing_keeps_the_port_when_the_supervisor_is_killed(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    port, pids = served.port, served.pids()
    served.send(signal.SIGKILL)

    def is_free() -> bool:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    wait_until(is_free, 5, f"port {port} is free")
    wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in pids), 5, "all processes ended")


def test_sigterm_before_the_first_worker_is_up_ends_it(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, app="slow_import:application")
    served.wait_for_log("importing slowly")
    served.terminate()

    assert served.wait_exit(10) == 0


def test_health_stays_well_while_requests_run_in_parallel(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    threads = [threading.Thread(target=served.get, args=("/slow?seconds=1",)) for _ in range(4)]
    for thread in threads:
        thread.start()

    assert served.ask_admin("/health").status == 200
    for thread in threads:
        thread.join()


def test_a_client_that_keeps_its_finished_connection_open_stalls_nobody(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """Gunicorn ≥ 26 alone waits up to two seconds for it, where it accepts."""
    served = serve(*variant.options, workers=1)
    kept = []
    for _ in range(5):
        sock = raw("127.0.0.1", served.port)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert read_response(sock).status == 200
        kept.append(sock)
    began = time.monotonic()

    assert served.get("/").status == 200
    assert time.monotonic() - began < 1
    for sock in kept:
        sock.close()
