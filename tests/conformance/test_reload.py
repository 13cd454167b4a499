"""A reload by generations: no failed request, the new code answers, and a broken version changes nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask, LoadProcess, Profile
from live import raw, read_response, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

pytestmark = pytest.mark.needs_steering

VERSION = """
import os, time
NUMBER = {number}
def application(environ, start_response):
    time.sleep(0.002)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(NUMBER).encode()]
"""


def write(project: Path, text: str) -> None:
    path = project / "version.py"
    path.write_text(text)
    # Two versions in one second have one mtime, and Python would believe the old bytecode.
    for cached in (project / "__pycache__").glob("version.*"):
        cached.unlink()


def reload(served: Served, timeout: float = 60, bind: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gunwale", "reload", "--bind", bind or f"127.0.0.1:{served.port}"],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_until_ready(served: Served) -> None:
    """Wait for all workers too: one that still imports would find the next version's file."""
    served.wait_for_workers(2)
    served.wait_until(lambda: served.ask_admin("/ready").status == 200, 20, "ready")


def descriptors(served: Served) -> int:
    """How many it holds, without a client of the admin port that is just leaving."""
    counts = []
    for _ in range(10):
        counts.append(len(list(Path(f"/proc/{served.pid}/fd").iterdir())))
        time.sleep(0.02)
    return min(counts)


def memory(served: Served) -> float:
    """The supervisor's own memory in MiB.

    Its share of the files it maps (the rest of its PSS) depends on who else on this machine runs Python.
    """
    rollup = Path(f"/proc/{served.pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss_Anon: +(\d+) kB", rollup, re.MULTILINE)
    assert found, rollup
    return int(found.group(1)) / 1024


def test_reloads_under_load_fail_no_request(
    variant: Variant, serve: Callable[..., Served], project: Path, repeats: int
) -> None:
    write(project, VERSION.format(number=0))
    served = serve(*variant.options, app="version:application")
    wait_until_ready(served)
    count = 10 if repeats > 3 else repeats + 1
    before, memory_before = descriptors(served), memory(served)
    profile = Profile(
        target=f"http://127.0.0.1:{served.port}",
        rate=60,
        mix=(Ask(path="/"), Ask(path="/", method="POST", size=500)),
        keepalive_clients=8,
    )
    with LoadProcess(profile) as load:
        for number in range(1, count + 1):
            write(project, VERSION.format(number=number))
            outcome = reload(served)
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr + served.log_text()
            assert served.get("/").text == str(number)
        result = load.stop()

    assert result.failed() == ()
    assert served.metric("gunwale_reloads_total") == count
    assert descriptors(served) == before
    assert memory(served) - memory_before <= 0.5


def test_reloads_on_a_unix_socket_fail_no_request(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    path = project / "public.sock"
    write(project, VERSION.format(number=0))
    served = serve(*variant.options, app="version:application", bind=f"unix:{path}")
    wait_until_ready(served)
    profile = Profile(target=f"unix:{path}", rate=40, mix=(Ask(path="/"),), keepalive_clients=4)
    with LoadProcess(profile) as load:
        for number in (1, 2):
            write(project, VERSION.format(number=number))
            outcome = reload(served, bind=f"unix:{path}")
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr + served.log_text()
            assert request(f"unix:{path}", 0).text == str(number)
        result = load.stop()

    assert result.failed() == ()
    assert [each.name for each in project.glob("public.sock*")] == ["public.sock"]
    served.terminate()
    assert served.wait_exit(20) == 0
    assert not path.exists()


def test_the_drain_of_the_old_version_does_not_wait_for_requests_of_the_new_one(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, workers=4)
    served.wait_for_workers(4)
    target = f"http://127.0.0.1:{served.port}"
    with LoadProcess(Profile(target=target, rate=6, mix=(Ask(path="/slow?seconds=0.5"),))) as load:
        assert reload(served).returncode == 0
        result = load.stop(grace=5)

    assert result.failed() == ()
    assert float(served.wait_for_log(r"generation 1 drained in (\d+\.\d+) s").group(1)) < 8


BROKEN = {
    "syntax error": ("def (", "SyntaxError"),
    "missing import": ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
    "raises": ("raise RuntimeError('cannot reach the settings')", "cannot reach the settings"),
    "dies at boot": ("import os; os._exit(7)", "exited with code 7|server ended"),
    "dies later": (
        VERSION.format(number=1) + "\nimport threading; threading.Timer(2, os._exit, args=(9,)).start()\n",
        "a worker of the new version died|server ended",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_version_leaves_the_old_one_serving(
    variant: Variant, serve: Callable[..., Served], project: Path, fault: str
) -> None:
    write(project, VERSION.format(number=0))
    served = serve(*variant.options, "--set", "rollout.ready_timeout=8", app="version:application")
    wait_until_ready(served)
    text, reason = BROKEN[fault]
    write(project, text)
    with LoadProcess(
        Profile(target=f"http://127.0.0.1:{served.port}", rate=30, mix=(Ask(path="/"),), keepalive_clients=2)
    ) as load:
        outcome = reload(served)
        result = load.stop()

    assert outcome.returncode == 1, outcome.stdout
    assert re.search(reason, outcome.stdout), outcome.stdout
    assert "serves on, unchanged" in outcome.stdout
    assert result.failed() == ()
    assert served.get("/").text == "0"
    served.wait_until(lambda: len(served.children()) == 1, 5, "the broken generation is gone")


def test_a_version_that_never_gets_ready_is_given_up(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    write(project, VERSION.format(number=0))
    (project / "flag.py").write_text(
        "from pathlib import Path\ndef check():\n    return not Path(__file__).with_name('down').exists()\n"
    )
    served = serve(
        *variant.options,
        *("--set", 'health.checks=["flag:check"]', "--set", "rollout.ready_timeout=3"),
        *("--set", "health.interval=0.5"),
        app="version:application",
    )
    wait_until_ready(served)
    (project / "down").touch()
    outcome = reload(served)

    assert outcome.returncode == 1
    assert "/ready answered 503" in outcome.stdout
    assert served.get("/").text == "0"


def test_a_boot_longer_than_ready_timeout_is_given_up(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    write(project, VERSION.format(number=0))
    served = serve(*variant.options, "--set", "rollout.ready_timeout=2", app="version:application")
    wait_until_ready(served)
    write(project, "import time; time.sleep(60)")
    outcome = reload(served)

    assert outcome.returncode == 1
    assert "its workers did not boot within ready_timeout (2 s)" in outcome.stdout
    assert served.get("/").text == "0"


def test_a_reload_without_the_memory_for_it_is_refused(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    write(project, VERSION.format(number=0))
    served = serve(*variant.options, "--set", "resources.memory=8MiB", app="version:application")
    wait_until_ready(served)
    outcome = reload(served)

    assert outcome.returncode == 1
    assert "not enough memory: two generations take" in outcome.stdout
    assert served.get("/").text == "0"


def test_a_reload_during_a_reload_is_refused(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    write(project, VERSION.format(number=0))
    served = serve(*variant.options, app="version:application")
    wait_until_ready(served)
    served.send(signal.SIGHUP)
    served.wait_for_log("reload: generation 2 is starting")
    outcome = reload(served)

    assert outcome.returncode == 1
    assert "another reload is under way" in outcome.stdout
    served.wait_for_log("generation 2 serves")


def test_sigterm_during_a_reload_ends_both_and_loses_nothing(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    served = serve(*variant.options)
    wait_until_ready(served)
    with raw("127.0.0.1", served.port, timeout=20) as sock:
        sock.sendall(b"GET /slow?seconds=2 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        served.send(signal.SIGHUP)
        served.wait_for_log("reload: generation 2 is starting")
        served.terminate()

        assert read_response(sock).status == 200
    assert served.wait_exit(20) == 0
    assert "reload failed: SIGTERM came" in served.log_text()


def test_sigterm_while_the_old_version_drains_ends_both_and_loses_nothing(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    wait_until_ready(served)
    with raw("127.0.0.1", served.port, timeout=30) as sock:
        sock.sendall(b"GET /slow?seconds=10 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        served.send(signal.SIGHUP)
        served.wait_for_log("generation 2 serves")
        served.terminate()
        served.wait_for_log("generation 2 drained")

        assert read_response(sock).status == 200
    assert served.wait_exit(20) == 0


def test_a_reload_while_draining_is_refused(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, "--lame-duck", "2")
    served.get()
    served.terminate()
    served.wait_for_log("lame duck")
    outcome = reload(served)

    assert outcome.returncode == 1
    assert "reload refused: serve is lame duck" in outcome.stdout
    assert served.wait_exit(20) == 0


def test_a_request_of_the_old_version_is_finished_by_it(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options)
    wait_until_ready(served)
    with raw("127.0.0.1", served.port, timeout=30) as sock:
        sock.sendall(b"GET /slow?seconds=8 HTTP/1.1\r\nHost: test\r\n\r\n")
        began = time.monotonic()
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")

        assert reload(served).returncode == 0
        assert read_response(sock).status == 200
        assert time.monotonic() - began > 7
    assert served.poll() is None


def test_reload_where_nobody_serves_says_so(tmp_path: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "gunwale", "reload", "--bind", "127.0.0.1:9"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert outcome.returncode == 3
    assert "127.0.0.1:9: no gunwale serves it here" in outcome.stderr
