"""What serve refuses before anything listens: the message, the exit status, and nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from live import free_port, raw
from served import command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Refusal(NamedTuple):
    """What is asked, and what is said."""

    options: tuple[str, ...]
    environ: Mapping[str, str]
    says: str
    hint: str
    status: int = 2


REFUSALS = {
    "debugger": Refusal((), {"FLASK_DEBUG": "1"}, "FLASK_DEBUG: is '1'", "unset FLASK_DEBUG"),
    "unknown worker class": Refusal(("-k", "gevnt"), {}, "no worker class 'gevnt'", "did you mean 'gevent'?"),
    "unknown server": Refusal(("--server", "gunicron"), {}, "gunicron", "gunicorn"),
    "threads that sync cannot have": Refusal(
        ("-k", "sync", "--threads", "4"), {}, "4 threads cannot be had", "gthread"
    ),
    "environment": Refusal(
        ("--set", 'environment.required=["NOT_SET_ANYWHERE"]'),
        {},
        "NOT_SET_ANYWHERE: is not set",
        "environment.required",
    ),
    "drain shorter than a request": Refusal(
        ("--drain-timeout", "2"), {}, "drain_timeout 2 s is below request_timeout 30 s", "request_timeout"
    ),
    "every interface beside a local proxy": Refusal(
        ("--set", 'proxies.chain=["caddy"]', "--set", "rollout.platform=host", "-b", "0.0.0.0:{port}"),
        {},
        "lets clients go past the proxy",
        "127.0.0.1",
    ),
    "an address of another machine": Refusal(
        ("-b", "203.0.113.9:{port}"), {}, "cannot be bound", "an address of this machine"
    ),
    "no port": Refusal(("-b", "127.0.0.1"), {}, "127.0.0.1", "write host:port"),
    "a path without a folder": Refusal(
        ("-b", "unix:/nowhere/at/all.sock"), {}, "its folder cannot be written", "make the folder"
    ),
    "a setting that is none": Refusal(("--set", "serve.wrokers=2"), {}, "serve.wrokers", "serve.workers"),
    "a variable that is none": Refusal(
        (), {"GUNWALE_SERVE_WROKERS": "2"}, "GUNWALE_SERVE_WROKERS", "GUNWALE_SERVE_WORKERS"
    ),
    "workers that are no number": Refusal(("-w", "four"), {}, "'four'", "auto"),
    "an application that is not there": Refusal(
        ("nowhere:application",), {}, "No module named 'nowhere', where the application", "", status=3
    ),
    "an application that is not there, on Waitress": Refusal(
        ("nowhere:application", "--server", "waitress"), {}, "No module named 'nowhere', where", "", status=3
    ),
    "a name that is not in the module, on Waitress": Refusal(
        ("probe:nothing", "--server", "waitress"), {}, "'probe' has no 'nothing'", "", status=3
    ),
}


def serve(project: Path, port: int, refusal: Refusal) -> subprocess.CompletedProcess[str]:
    options = [option.format(port=port) for option in refusal.options]
    app = (
        options.pop(0)
        if options and ":" in options[0] and not options[0].startswith("-")
        else "probe:application"
    )
    words = command(*options, app=app)
    if "-b" not in options:
        words += ["-b", f"127.0.0.1:{port}"]
    return subprocess.run(
        [*words, "--admin-bind", "off"],
        capture_output=True,
        text=True,
        cwd=project,
        env={**os.environ, **refusal.environ},
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused_with_what_where_and_how_to_mend_it(project: Path, name: str) -> None:
    refusal, port = REFUSALS[name], free_port()
    ended = serve(project, port, refusal)

    assert ended.returncode == refusal.status, ended.stderr
    assert refusal.says in ended.stderr
    assert refusal.hint in ended.stderr
    assert "Traceback" not in ended.stderr
    with pytest.raises(ConnectionRefusedError):
        raw("127.0.0.1", port)


def test_all_problems_are_told_at_once(project: Path) -> None:
    ended = serve(
        project,
        free_port(),
        Refusal(("-k", "gevnt", "--set", 'environment.required=["ONE","TWO"]'), {"FLASK_DEBUG": "1"}, "", ""),
    )

    for problem in ("'gevnt'", "ONE: is not set", "TWO: is not set", "FLASK_DEBUG: is '1'"):
        assert problem in ended.stderr


def test_proxyfix_beside_a_declared_chain_is_refused_with_the_line_to_delete(project: Path) -> None:
    (project / "fixed.py").write_text(
        "from werkzeug.middleware.proxy_fix import ProxyFix\n"
        "def plain(environ, start_response): ...\n"
        "application = ProxyFix(plain, x_for=1)\n"
    )
    refusal = Refusal(("fixed:application", "--set", 'proxies.chain=["caddy"]'), {}, "", "")
    ended = serve(project, free_port(), refusal)

    assert ended.returncode == 2
    assert "fixed.py:3" in ended.stderr
    assert "delete this line: application = ProxyFix(plain, x_for=1)" in ended.stderr


@pytest.mark.root
def test_root_is_refused_unless_it_is_asked_for(project: Path) -> None:
    words = [word for word in command("-b", "127.0.0.1:0", "--admin-bind", "off") if word != "--allow-root"]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=project, timeout=30, check=False)

    assert ended.returncode == 2
    assert "serve does not run as root" in ended.stderr
    assert "--allow-root" in ended.stderr


def test_a_secret_that_is_missing_is_named_and_one_that_is_there_is_not_shown(project: Path) -> None:
    refusal = Refusal(
        ("--set", 'environment.required=["MISSING_ONE","FLASK_SECRET_KEY"]'),
        {"FLASK_SECRET_KEY": "hunter2-and-more"},
        "",
        "",
    )
    ended = serve(project, free_port(), refusal)

    assert "MISSING_ONE: is not set" in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_server_that_is_not_installed_is_said_so(project: Path) -> None:
    code = (
        "import sys; sys.modules['waitress'] = None\n"
        "from gunwale.__main__ import main\n"
        "sys.argv = ['gunwale', *sys.argv[1:]]; main()\n"
    )
    words = command("--server", "waitress", "-b", "127.0.0.1:0", "--admin-bind", "off")
    ended = subprocess.run(
        [sys.executable, "-c", code, *words[3:]],
        capture_output=True,
        text=True,
        cwd=project,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 3, ended.stderr
    assert "waitress is not installed" in ended.stderr
    assert "pip install" in ended.stderr
