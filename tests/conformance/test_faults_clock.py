"""The clock is stepped by an hour, there and back: nothing that waits or runs is cut, or held for an hour.

A machine's own clock is not a test's to set, and libfaketime 0.9.10 breaks time.sleep() of Python 3.11. So
every process of the tree has a time.time() that is stepped; that ours measures no duration by it is shown by
tests/unit/test_clocks.py.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from served import Served, Variant

HOUR = 3600
SIZE = 20_000_000


STEPPED = """
import time
from pathlib import Path
wall_clock, step = time.time, Path(__file__).with_name("step")
time.time = lambda: wall_clock() + float(step.read_text())
"""


def stamp(step: float) -> str:
    return time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + step))


def ask(sock: socket.socket, path: str) -> None:
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())


def take(sock: socket.socket, most: int) -> int:
    """Read and count, until *most* bytes or the end."""
    taken = 0
    while taken < most and (part := sock.recv(min(1 << 16, most - taken))):
        taken += len(part)
    return taken


@pytest.mark.slow
@pytest.mark.needs_steering  # its reload
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_step_of_an_hour_cuts_nothing_and_holds_nothing(
    variant: Variant, serve: Callable[..., Served], tmp_path: Path, step: int
) -> None:
    clock = tmp_path / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(STEPPED)
    (clock / "step").write_text("0")
    served = serve(*variant.options, "--set", "serve.keepalive=60", env={"PYTHONPATH": str(clock)}, workers=4)
    served.wait_for_workers(4)
    pids = served.pids()
    with (
        raw("127.0.0.1", served.port, timeout=30) as slow,
        raw("127.0.0.1", served.port, timeout=30) as download,
        raw("127.0.0.1", served.port, timeout=30) as idle,
    ):
        ask(idle, "/")
        assert read_response(idle).status == 200
        ask(slow, "/slow?seconds=4")
        ask(download, f"/download?bytes={SIZE}")
        assert take(download, 100_000) == 100_000
        (clock / "new").write_text(str(step))
        (clock / "new").rename(clock / "step")
        stepped = time.monotonic()
        served.get("/")
        served.wait_for_log(f'"time": "({stamp(step - 30)}|{stamp(step)})')  # else nothing was stepped
        time.sleep(3)  # whatever looks at its clock does so now

        assert read_response(slow).status == 200
        assert take(download, SIZE - 100_000) == SIZE - 100_000
        if variant.worker_class != "sync":  # which keeps none
            ask(idle, "/")
            assert read_response(idle).status == 200
        assert served.ask_admin("/ready").status == 200
        assert time.monotonic() - stepped < 30
    assert served.pids() == pids

    served.send(signal.SIGHUP)
    served.wait_for_log("generation 1 drained")
    served.terminate()
    assert served.wait_exit(15) == 0
