"""The user's own server command with ``gunwale serve --`` in front: kept, made safe, or refused by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response, request
from served import Served
from wrapping import CONFIGURATION, GUNICORN, HOOKS, WAITRESS, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start(project: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start ``gunwale serve OPTIONS -- OWN`` in the project; ended with the test."""
    with contextlib.ExitStack() as stack:

        def start_wrapped(own: list[str], *options: str, env: dict[str, str] | None = None) -> Served:
            environ = {"PYTHONDONTWRITEBYTECODE": "1", "PORT": None, "WEB_CONCURRENCY": None, **(env or {})}
            words = wrapped(own, *options)
            return stack.enter_context(Served(words, log=tmp_path / "log", cwd=project, env=environ))

        yield start_wrapped


def records(project: Path) -> list[list[str]]:
    path = project / "record"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def named(project: Path, name: str) -> list[list[str]]:
    return [words for words in records(project) if words[0] == name]


def stop(served: Served) -> None:
    served.terminate()
    assert served.wait_exit(30) == 0, served.log_text()


def test_every_hook_of_the_configuration_file_runs(start: Callable[..., Served], project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(CONFIGURATION)
    served = start([*GUNICORN, "-b", "127.0.0.1:0", "wrapped:create_app()"])
    served.wait_for_workers(2)
    assert served.get().status == 200
    stop(served)

    assert {words[0] for words in records(project)} >= HOOKS.keys()
    assert len(named(project, "worker_exit")) == 2


def test_a_plain_serve_reads_the_configuration_file_beside_it(
    serve: Callable[..., Served], project: Path
) -> None:
    (project / "gunicorn.conf.py").write_text(CONFIGURATION + "threads = 3\n")
    served = serve(app="wrapped:create_app()")
    served.wait_for_workers(2)
    served.get()
    stop(served)

    assert {words[0] for words in records(project)} >= HOOKS.keys()
    assert "Using worker: gthread" in served.log_text()


@pytest.mark.parametrize(
    "own",
    [
        ["-c", "conf/production.py"],
        ["-c", "python:conf.production"],
        ["--config=file:conf/production.py"],
    ],
    ids=lambda words: words[-1],
)
def test_a_configuration_of_another_name_is_kept(
    start: Callable[..., Served], project: Path, own: list[str]
) -> None:
    (project / "conf").mkdir()
    (project / "conf" / "production.py").write_text(
        "import wrapped\nworkers = len('abc')\nproc_name = 'shop'\n"
    )
    served = start([*GUNICORN, *own, "-b", "127.0.0.1:0", "wrapped:create_app('x')"])

    served.wait_for_workers(3)
    assert served.metric("gunwale_workers_target") == 3


def test_a_command_without_a_number_of_workers_has_one_as_with_gunicorn(start: Callable[..., Served]) -> None:
    served = start([*GUNICORN, "-b", "127.0.0.1:0", "wrapped:create_app()"])

    assert served.metric("gunwale_workers_target") == 1


def test_threads_alone_mean_gthread_as_with_gunicorn(start: Callable[..., Served]) -> None:
    served = start([*GUNICORN, "--threads", "3", "-b", "127.0.0.1:0", "wrapped:create_app()"])
    served.get()

    assert "Using worker: gthread" in served.log_text()


def test_preload_loads_the_application_once(start: Callable[..., Served], project: Path) -> None:
    served = start([*GUNICORN, "--preload", "-w", "3", "-b", "127.0.0.1:0", "wrapped:create_app()"])
    served.wait_for_workers(3)
    ((_, loader),) = named(project, "loaded")

    assert served.get().text.split()[0] != loader
    stop(served)


def test_a_worker_class_of_ones_own_serves(start: Callable[..., Served], project: Path) -> None:
    own = [*GUNICORN, "-k", "wrapped.Worker", "--threads", "2", "-b", "127.0.0.1:0", "wrapped:create_app()"]
    served = start(own)

    assert served.get().text.split()[0] in [words[1] for words in named(project, "Worker")]


def test_a_logger_class_of_ones_own_logs(start: Callable[..., Served]) -> None:
    served = start([*GUNICORN, "--logger-class", "wrapped.Log", "-b", "127.0.0.1:0", "wrapped:create_app()"])
    served.get()

    assert "own log: Booting worker" in served.log_text()


def test_gunicorn_cmd_args_are_kept(start: Callable[..., Served], project: Path) -> None:
    served = start(
        [*GUNICORN, "wrapped:create_app()"],
        env={"GUNICORN_CMD_ARGS": "--workers 2 --preload --bind 127.0.0.1:0 --env RELEASE=7"},
    )
    served.wait_for_workers(2)

    assert len(named(project, "loaded")) == 1
    assert served.get().text.split()[1] == "7"


def test_the_gunicorn_command_of_the_environment_is_its_own(start: Callable[..., Served]) -> None:
    served = start(["gunicorn", "-b", "127.0.0.1:0", "wrapped:create_app()"])

    assert served.get().status == 200


def test_a_timeout_of_zero_is_no_deadline(start: Callable[..., Served]) -> None:
    own = [*GUNICORN, "--timeout", "0", "-k", "gthread", "-b", "127.0.0.1:0", "probe:application"]
    served = start(own)

    assert request("127.0.0.1", served.port, "/slow?seconds=2").status == 200


@pytest.mark.parametrize(("worker_class", "is_new"), [("sync", False), ("gthread", True)])
def test_a_limit_that_the_command_alone_does_not_set_is_said(
    start: Callable[..., Served], worker_class: str, is_new: bool
) -> None:
    served = start([*GUNICORN, "-k", worker_class, "-t", "7", "-b", "127.0.0.1:0", "probe:application"])
    served.get()
    told = "a request in which nothing moves for 7 s (serve.request_timeout) is given up; Gunicorn's gthread"

    assert (told in served.log_text()) is is_new


def test_what_serve_owns_is_said_and_replaced(start: Callable[..., Served], project: Path) -> None:
    own = [*GUNICORN, "--daemon", "-b", "127.0.0.1:1", "--access-logfile", "own.log", "--pid", "own.pid"]
    served = start([*own, "wrapped:create_app()"], "--bind", "127.0.0.1:0")
    served.get()
    served.wait_for_log(r'"status": ?200')
    log = served.log_text()

    assert "-- gunicorn --bind 127.0.0.1:1: --bind says 127.0.0.1:0, and stands" in log
    assert "-- gunicorn --access-logfile own.log: serve writes the access log itself" in log
    assert "-- gunicorn --daemon: serve stays in the foreground" in log
    assert not (project / "own.log").exists()
    assert int((project / "own.pid").read_text()) == served.pid
    stop(served)
    assert not (project / "own.pid").exists()


def test_the_process_id_of_another_serve_is_left_in_the_file(
    start: Callable[..., Served], project: Path
) -> None:
    served = start([*GUNICORN, "--pid", "own.pid", "-b", "127.0.0.1:0", "wrapped:create_app()"])
    served.get()
    (project / "own.pid").write_text("1\n")
    stop(served)

    assert (project / "own.pid").read_text() == "1\n"


def test_at_sigusr1_gunicorns_log_file_is_opened_anew(start: Callable[..., Served], project: Path) -> None:
    """As logrotate asks for it, also while a new version boots."""
    log, rotated = project / "error.log", project / "error.log.1"
    served = start([*GUNICORN, "--error-logfile", "error.log", "-b", "127.0.0.1:0", "wrapped:create_app()"])
    pid = int(served.get().text)
    log.rename(rotated)
    served.send(signal.SIGUSR1)
    served.wait_until(log.exists, 10, "the log file is there again")
    os.kill(pid, signal.SIGTERM)  # what a worker says goes there too
    served.wait_until(lambda: f"Worker exiting (pid: {pid})" in log.read_text(), 10, "the worker says so")

    assert f"Worker exiting (pid: {pid})" not in rotated.read_text()


def test_the_commands_own_address_is_serves(start: Callable[..., Served], port: int) -> None:
    served = start([*GUNICORN, "-b", f"127.0.0.1:{port}", "wrapped:create_app()"])

    assert served.port == port
    assert (
        f"-- gunicorn --bind 127.0.0.1:{port}: serve binds it, and hands Gunicorn sockets"
        in served.log_text()
    )


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH])
def test_a_signal_that_is_no_command_to_serve_ends_nothing(
    start: Callable[..., Served], number: signal.Signals
) -> None:
    served = start([*GUNICORN, "-b", "127.0.0.1:0", "wrapped:create_app()"])
    pid = served.get().text
    served.send(number)

    assert served.get().text == pid
    stop(served)


def test_the_plan_outranks_the_command_and_says_so(start: Callable[..., Served], project: Path) -> None:
    (project / "gunwale.toml").write_text("[serve]\nworkers = 2\n")
    served = start([*GUNICORN, "-w", "3", "-b", "127.0.0.1:0", "wrapped:create_app()"])

    served.wait_for_workers(2)
    assert served.metric("gunwale_workers_target") == 2
    assert "-- gunicorn --workers 3: gunwale.toml: serve.workers says 2, and stands" in served.log_text()


@pytest.mark.needs_steering
def test_a_reload_brings_the_new_version_with_its_hooks(start: Callable[..., Served], project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(CONFIGURATION + "raw_env = ['RELEASE=1']\n")
    served = start([*GUNICORN, "-b", "127.0.0.1:0", "wrapped:create_app()"])
    served.wait_for_workers(2)
    (project / "gunicorn.conf.py").write_text(CONFIGURATION + "raw_env = ['RELEASE=2']\n")
    done = subprocess.run(
        [sys.executable, "-m", "gunwale", "reload", "--bind", f"127.0.0.1:{served.port}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + served.log_text()
    assert served.get().text.split()[1] == "2"
    served.wait_until(lambda: len(named(project, "on_exit")) == 1, 20, "the old generation is gone")
    assert len(named(project, "on_starting")) == 2


def test_a_request_in_flight_is_finished_and_the_worker_exit_hook_runs_after_it(
    start: Callable[..., Served], project: Path
) -> None:
    (project / "gunicorn.conf.py").write_text(CONFIGURATION)
    served = start([*GUNICORN, "-b", "127.0.0.1:0", "probe:application"])
    with raw("127.0.0.1", served.port, timeout=20) as sock:
        sock.sendall(b"GET /slow?seconds=1.5 HTTP/1.1\r\nHost: test\r\n\r\n")
        served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
        served.send(signal.SIGTERM)
        assert named(project, "worker_exit") == []
        assert read_response(sock).status == 200
    assert served.wait_exit(20) == 0
    assert named(project, "worker_exit") != []


def test_waitress_serve_is_kept(start: Callable[..., Served]) -> None:
    own = [
        *WAITRESS,
        "--listen=127.0.0.1:0",
        "--threads",
        "3",
        "--ident=shop",
        "--max-request-body-size",
        "1000",
    ]
    served = start([*own, "--call", "wrapped:create_app"])

    answer = served.get()
    assert (answer.status, answer.headers["server"]) == (200, "shop")
    too_long = request("127.0.0.1", served.port, method="POST", body=b"x" * 2000)
    assert too_long.status == 413
