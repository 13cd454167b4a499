"""Sockets that systemd made (LISTEN_FDS): used as they are, and whole again after a restart."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response, request
from served import Served, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from served import Variant

# As systemd does it between fork and exec: the socket is descriptor 3, and the process is told its own id.
AS_SYSTEMD = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect(sys.argv[1])
    _, (fd,), _, _ = socket.recv_fds(asking, 1, 1)
if fd != 3:
    os.dup2(fd, 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def activate(project: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start serve with a listening socket that this process keeps, as systemd does; ended with the test."""
    started: list[Served] = []

    def start(listener: socket.socket, *words: str) -> Served:
        name = str(tmp_path / f"pass{len(started)}.sock")
        log = tmp_path / f"serve{len(started)}.log"
        with socket.socket(socket.AF_UNIX) as passing:
            passing.bind(name)
            passing.listen()
            passing.settimeout(20)
            argv = [sys.executable, "-c", AS_SYSTEMD, name, *command(*words, "--admin-bind", "127.0.0.1:0")]
            served = Served(argv, log=log, cwd=project, env={"PYTHONDONTWRITEBYTECODE": "1"})
            started.append(served.start())
            asking, _ = passing.accept()
            with asking:
                socket.send_fds(asking, [b"x"], [listener.fileno()])
        return served

    yield start
    for served in started:
        served.kill()


def test_what_comes_while_it_is_down_is_served_by_the_next(
    variant: Variant, listener: socket.socket, activate: Callable[..., Served]
) -> None:
    port = listener.getsockname()[1]
    words = (*variant.options, "--workers", "1", "--bind", f"127.0.0.1:{port}")
    served = activate(listener, *words)
    with raw("127.0.0.1", port, timeout=30) as sock:
        sock.sendall(b"GET /slow?seconds=2 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 20, "the request runs")
        served.terminate()

        assert read_response(sock).status == 200
    assert served.wait_exit(20) == 0
    assert "systemd keeps the socket of" in served.log_text()
    with raw("127.0.0.1", port, timeout=30) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        activate(listener, *words)

        assert read_response(sock).status == 200


def test_a_unix_socket_is_left_where_it_is(
    variant: Variant, activate: Callable[..., Served], tmp_path: Path
) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        before = path.stat().st_ino
        served = activate(listener, *variant.options, "--workers", "1", "--bind", f"unix:{path}")

        assert request(f"unix:{path}", 0, timeout=30).status == 200
        served.terminate()
        assert served.wait_exit(20) == 0
        assert path.stat().st_ino == before
        assert [each.name for each in tmp_path.glob("web.sock*")] == ["web.sock"]


def test_a_socket_that_is_no_address_of_the_plan_is_refused_by_its_name(
    listener: socket.socket, activate: Callable[..., Served]
) -> None:
    served = activate(listener, "--bind", "127.0.0.1:0")
    address = f"127.0.0.1:{listener.getsockname()[1]}"

    assert served.wait_exit(20) == 2
    assert f"LISTEN_FDS web (descriptor 3): listens on {address}, which is no address" in served.log_text()
    assert f"give --bind '{address}'" in served.log_text()
