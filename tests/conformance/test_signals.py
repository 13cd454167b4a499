"""Signals other than SIGTERM: Ctrl-C at a terminal, SIGQUIT, and the worker count."""

from __future__ import annotations

import os
import pty
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from live import free_port, raw, request, wait_until
from served import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def test_a_second_ctrl_c_at_a_terminal_stops_at_once(variant: Variant, project: Path) -> None:
    port = free_port()
    words = command(*variant.options, "-b", f"127.0.0.1:{port}", "--admin-bind", "off")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project)
        os.execv(words[0], words)

    def answers() -> bool:
        try:
            return request("127.0.0.1", port).status == 200
        except OSError:
            return False

    wait_until(answers, 20, "it answers")
    with raw("127.0.0.1", port, timeout=20) as busy:
        busy.sendall(b"GET /slow?seconds=15 HTTP/1.1\r\nHost: test\r\n\r\n")
        time.sleep(0.5)
        os.write(terminal, b"\x03")
        said = b""
        while b"draining" not in said:
            said += os.read(terminal, 4096)
        began = time.monotonic()
        os.write(terminal, b"\x03")
        ended = drain(terminal, pid)

    assert os.waitstatus_to_exitcode(ended) == 0
    assert time.monotonic() - began < 6


def drain(terminal: int, pid: int) -> int:
    """Read what is said until the end: a terminal that nobody reads blocks who writes."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
    os.close(terminal)
    return os.waitpid(pid, 0)[1]


def test_sigquit_stops_at_once_and_names_what_it_cut(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options)
    with raw("127.0.0.1", served.port, timeout=20) as busy:
        busy.sendall(b"GET /slow?seconds=15 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        began = served.send(signal.SIGQUIT)

        assert served.wait_exit(10) == 0
        assert time.monotonic() - began < 5
    served.wait_for_log(r"cut: request \w+ in worker \d+ after") if served.poll() is None else None
    assert "cut: request" in served.log_text()


def test_sigusr1_ends_nothing_also_while_the_server_boots(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    (project / "late.py").write_text(
        "import pathlib, time\n"
        "pathlib.Path('booting').touch()\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.01)\n"
        "from probe import application\n"
    )
    served = serve(*variant.options, app="late:application", workers=1)
    served.wait_until((project / "booting").exists, 10, "it boots")
    served.send(signal.SIGUSR1)
    served.wait_until(lambda: not is_pending(served.pid, signal.SIGUSR1), 5, "serve has heard it")
    (project / "go").touch()
    pid = served.get("/pid").text
    served.send(signal.SIGUSR1)
    served.wait_until(lambda: not is_pending(served.pid, signal.SIGUSR1), 5, "serve has heard it")

    assert served.get("/pid").text == pid


def is_pending(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^ShdPnd:\s*(\w+)$", status, re.MULTILINE)
    assert found
    return bool(int(found.group(1), 16) >> (number - 1) & 1)


def test_ttin_and_ttou_change_the_number_of_workers(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, workers=1)
    served.wait_for_workers(1)
    served.send(signal.SIGTTIN)
    if served.most_workers == 1 and variant.workers(2) == 1:
        # One process by its nature: nothing breaks, nothing changes.
        assert served.get("/").status == 200
        return
    served.wait_until(lambda: served.metric('gunwale_workers{state="booted"}') == 2, 20, "two workers")
    served.send(signal.SIGTTOU)
    served.wait_until(lambda: served.metric('gunwale_workers{state="booted"}') == 1, 20, "one worker")

    assert served.get("/").status == 200
