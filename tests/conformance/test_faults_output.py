"""A log that cannot be written costs log lines, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live import free_port, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

# What a shell does to the streams before it becomes serve.
BROKEN = {
    "full": "exec >/dev/full 2>/dev/full",
    "closed": "exec <&- >&- 2>&-",
    "without a reader": "exec 3<>pipe; exec >pipe 2>pipe 3>&-",
}


def answers(port: int, path: str) -> bool:
    try:
        return request("127.0.0.1", port, path).status == 200
    except OSError:
        return False


def start_with(shell: str, variant: Variant, serve: Callable[..., Served]) -> tuple[Served, int]:
    """Start serve where its log tells no address, and wait until it is ready."""
    port, admin = free_port(), free_port()
    bind = f"127.0.0.1:{port}"
    served = serve(*variant.options, "--admin-bind", f"127.0.0.1:{admin}", bind=bind, shell=shell)
    served.wait_until(lambda: answers(admin, "/ready"), 20, "ready")
    return served, port


@pytest.mark.parametrize("fault", BROKEN)
def test_it_serves_and_stops_without_a_log(
    variant: Variant, serve: Callable[..., Served], project: Path, fault: str
) -> None:
    os.mkfifo(project / "pipe")
    served, port = start_with(BROKEN[fault], variant, serve)

    assert all(answers(port, "/") for _ in range(20))
    served.terminate()
    assert served.wait_exit(15) == 0


def test_a_closed_stdout_is_said_and_no_other_file_gets_its_number(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, shell="exec >&-")
    served.get("/")

    assert "warning: stdout is closed: what serve writes there is lost" in served.log_text()
    for pid in served.pids():
        assert Path(f"/proc/{pid}/fd/1").readlink() == Path("/dev/null")


def test_a_reader_that_stands_still_holds_nobody_up(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    os.mkfifo(project / "pipe")
    reader = os.open(project / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        served, port = start_with("exec >pipe 2>pipe", variant, serve)
        # Far more than a pipe holds: 64 KiB.
        assert all(answers(port, f"/?{'x' * 800}") for _ in range(200))
        served.terminate()
        assert served.wait_exit(15) == 0
    finally:
        os.close(reader)


def test_access_log_lines_lost_on_a_full_disk_are_said_once(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, "--workers", "1", shell="exec >/dev/full")
    for _ in range(5):
        assert served.get("/").status == 200

    said = "access log: cannot write to stdout (No space left on device): lines are dropped"
    assert served.log_text().count(said) == 1
