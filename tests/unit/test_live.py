"""The process harness: what is started is watched, and nothing of it is left."""

from __future__ import annotations

import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.process import signals_held
from live import Live, ProcessError, free_port, raw, request, reserved_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def python(tmp_path: Path) -> Callable[[str], Live]:
    def build(program: str) -> Live:
        return Live([sys.executable, "-c", program], log=tmp_path / "log")

    return build


SERVER = """
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print("listening on", server.server_port)
server.serve_forever()
"""

# The grandchild makes a session of its own and loses its parent.
ORPHAN = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", '''
import subprocess, sys
program = "import time; print('orphan'); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
'''], start_new_session=True).wait()
print("ready")
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_log_is_waited_for_and_its_groups_are_read(python: Callable[[str], Live]) -> None:
    with python(SERVER) as server:
        port = int(server.wait_for_log(r"^listening on (\d+)$")[1])

        assert request("127.0.0.1", port, "/").status == 200
        assert request("127.0.0.1", port, "/absent").status == 404
    with pytest.raises(ConnectionRefusedError):
        raw("127.0.0.1", port)


def test_everything_started_is_gone_at_the_end_orphans_in_their_own_session_too(
    python: Callable[[str], Live],
) -> None:
    with python(ORPHAN) as process:
        process.wait_for_log("ready")
        process.wait_for_log("orphan")
        pids = process.pids()

        assert process.pid in pids
        assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)


def test_orphans_are_ended_when_the_command_itself_ended_long_before(python: Callable[[str], Live]) -> None:
    with python(ORPHAN) as process:
        process.wait_for_log("orphan")
        process.send(signal.SIGKILL)
        process.wait_exit(5)
        (orphan,) = process.pids()
    assert not is_alive(orphan)


def test_wait_ends_as_soon_as_the_process_does_and_shows_the_log(python: Callable[[str], Live]) -> None:
    with python("print('no such module'); raise SystemExit(3)") as process:
        started = time.monotonic()
        with pytest.raises(ProcessError, match="ended with 3 before log matches 'ready'") as caught:
            process.wait_for_log("ready", 30)

    assert time.monotonic() - started < 10
    assert "no such module" in str(caught.value)


def test_wait_has_a_deadline_and_names_what_it_waited_for(python: Callable[[str], Live]) -> None:
    with python("import time; time.sleep(60)") as process:
        with pytest.raises(ProcessError, match=r"not within 0.1 s: the sun"):
            process.wait_until(lambda: False, 0.1, "the sun")
        with pytest.raises(ProcessError, match=r"still running after 0.1 s"):
            process.wait_exit(0.1)


def test_exit_code_of_a_signal_is_negative(python: Callable[[str], Live]) -> None:
    with python("import time; print('up'); time.sleep(60)") as process:
        process.wait_for_log("up")
        moment = process.terminate()

        assert process.wait_exit(10) == -signal.SIGTERM
    assert moment <= time.monotonic()


def test_environment_is_added_to_and_taken_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN", "1")
    program = "import os; print(os.environ.get('TAKEN'), os.environ['ADDED'], os.getcwd())"
    argv = [sys.executable, "-c", program]
    with Live(argv, log=tmp_path / "log", env={"TAKEN": None, "ADDED": "yes"}, cwd=tmp_path) as process:
        assert process.wait_exit(10) == 0
    assert process.log_text() == f"None yes {tmp_path}\n"


def test_more_output_than_a_pipe_holds_blocks_nobody(python: Callable[[str], Live]) -> None:
    with python("print('x' * 1_000_000)") as process:
        assert process.wait_exit(10) == 0
    assert len(process.log_text()) == 1_000_001


def test_reserved_port_refuses_connections_until_it_is_used() -> None:
    with reserved_port() as (port, holder):
        with pytest.raises(ConnectionRefusedError):
            raw("127.0.0.1", port)
        holder.close()
        with socket.create_server(("127.0.0.1", port)):
            raw("127.0.0.1", port).close()


def test_truncated_body_is_an_error_not_a_short_body(python: Callable[[str], Live]) -> None:
    program = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("listening on", listener.getsockname()[1])
connection, _ = listener.accept()
connection.recv(65536)
connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 10\\r\\n\\r\\nshort")
"""
    with python(program) as server:
        port = int(server.wait_for_log(r"listening on (\d+)")[1])
        with pytest.raises(ConnectionError, match="IncompleteRead"):
            request("127.0.0.1", port)


def test_waiting_for_nothing_in_particular_has_a_deadline_too() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.1 s: the moon"):
        wait_until(lambda: False, 0.1, "the moon")


def test_signal_during_the_start_waits_until_the_child_is_known() -> None:
    order = []

    def interrupt(number: int, frame: object) -> None:
        order.append("handled")
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), signals_held():  # noqa: PT012 - the block is the subject
            signal.raise_signal(signal.SIGTERM)
            order.append("started")
        assert signal.getsignal(signal.SIGTERM) is interrupt
    finally:
        signal.signal(signal.SIGTERM, before)

    assert order == ["started", "handled"]


def test_no_free_port_is_given_twice() -> None:
    given = [free_port() for _ in range(2000)]  # of 28,232: without care one comes again nearly always

    assert len(set(given)) == len(given)
