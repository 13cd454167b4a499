"""What of the user's own server command cannot be honoured is refused by name, before anything listens."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from wrapping import GUNICORN, WAITRESS, wrapped

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {
    "--reload": (
        [*GUNICORN, "--reload", "a:b"],
        "-- gunicorn --reload: cannot be honoured: restarts workers",
    ),
    "--reuse-port": ([*GUNICORN, "--reuse-port", "a:b"], "-- gunicorn --reuse-port: cannot be honoured"),
    "--certfile": ([*GUNICORN, "--certfile", "x", "--keyfile", "y", "a:b"], "serve speaks no TLS"),
    "--paste": ([*GUNICORN, "--paste", "shop.ini"], "a Paste file chooses application and server itself"),
    "--spew": ([*GUNICORN, "--spew", "a:b"], "-- gunicorn --spew: cannot be honoured"),
    "--check-config": ([*GUNICORN, "--check-config", "a:b"], "prints the configuration and serves nothing"),
    "--protocol": ([*GUNICORN, "--protocol", "uwsgi", "a:b"], "serve speaks HTTP only"),
    "--http-protocols": ([*GUNICORN, "--http-protocols", "h2,h1", "a:b"], "serve speaks HTTP/1.1 only"),
    "--proxy-protocol": ([*GUNICORN, "--proxy-protocol", "v1", "a:b"], "know no PROXY line"),
    "--dirty-app": ([*GUNICORN, "--dirty-app", "a:b", "a:b"], "serve drains and reloads no dirty workers"),
    "eventlet": (
        [*GUNICORN, "-k", "eventlet", "a:b"],
        "'eventlet' cannot be honoured: Gunicorn has dropped it",
    ),
    "tornado": ([*GUNICORN, "-k", "tornado", "a:b"], "'tornado' cannot be honoured"),
    "asgi": ([*GUNICORN, "-k", "uvicorn.workers.UvicornWorker", "a:b"], "and it runs ASGI ones"),
    "gevent_pywsgi": ([*GUNICORN, "-k", "gevent_pywsgi", "a:b"], "'gevent_pywsgi' cannot be honoured"),
    "fd": ([*GUNICORN, "-b", "fd://3", "a:b"], "serve must know its addresses"),
    "abstract": ([*GUNICORN, "-b", "unix:@shop", "a:b"], "serve must know its addresses"),
    "--group": ([*GUNICORN, "--group", "daemon", "a:b"], "serve runs with its user's own group"),
    "--user": ([*GUNICORN, "--user", "no-such-user", "a:b"], "there is no such user"),
    "unknown": ([*GUNICORN, "--wrokers", "2", "a:b"], "-- gunicorn --wrokers: Gunicorn has no such option"),
    "no value": ([*GUNICORN, "a:b", "--workers"], "Gunicorn would refuse this"),
    "no application": ([*GUNICORN, "-w", "2"], "no application is given"),
    "configuration": ([*GUNICORN, "-c", "gone.py", "a:b"], "Gunicorn cannot read its configuration"),
    "flask run": (["flask", "run"], "'flask run' is a development server"),
    "uvicorn": (["uvicorn", "a:b"], "'uvicorn' is no server that serve runs"),
    "in front": (
        ["ddtrace-run", "gunicorn", "a:b"],
        "put it in front of gunwale: ddtrace-run … gunwale serve --",
    ),
    "script": (["python", "run.py"], "starts no known server"),
    "environment": (["/opt/other/bin/gunicorn", "a:b"], "belongs to another environment"),
    "empty": ([], "no command follows"),
    "waitress unknown": ([*WAITRESS, "--wrong=1", "a:b"], "--wrong=1: is no option of waitress-serve"),
    "waitress proxies": ([*WAITRESS, "--trusted-proxy=*", "a:b"], "declare proxies.chain in the plan"),
    "waitress tracebacks": (
        [*WAITRESS, "--expose-tracebacks", "a:b"],
        "--expose-tracebacks: cannot be honoured",
    ),
    "waitress perms": (
        [*WAITRESS, "--unix-socket-perms=600", "a:b"],
        "the folder it is in says who may come in",
    ),
    "waitress family": ([*WAITRESS, "--no-ipv6", "a:b"], "--no-ipv6: cannot be honoured"),
    "waitress two": ([*WAITRESS, "a:b", "c:d"], "one application is served, not 2"),
    "waitress value": ([*WAITRESS, "--threads"], "--threads: has no value"),
}


def refuse(own: list[str], project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in {"PORT", "WEB_CONCURRENCY"}}
    return subprocess.run(
        wrapped(own, *options),
        cwd=project,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=environ,
    )


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name_before_anything_listens(
    name: str, project: Path, port: int
) -> None:
    own, told = REFUSED[name]
    is_address = name in {"fd", "abstract"}
    done = refuse(own, project, *([] if is_address else ["--bind", f"127.0.0.1:{port}"]))

    assert told in done.stderr, done.stderr
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Starting gunicorn" not in done.stderr
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("certfile = 'x'\n", "gunicorn.conf.py:1: certfile: cannot be honoured: serve speaks no TLS"),
        ("import json\nreload = json.loads('true')\n", "gunicorn.conf.py:2: reload: cannot be honoured"),
        ("import json\nbind = json.loads('[\"fd://3\"]')\n", "serve must know its addresses"),
    ],
)
def test_the_configuration_file_is_judged_like_the_command(project: Path, text: str, told: str) -> None:
    (project / "gunicorn.conf.py").write_text(text)
    done = refuse([*GUNICORN, "wrapped:create_app()"], project)

    assert told in done.stderr, done.stderr
    assert done.returncode == 2


def test_all_that_is_refused_is_told_at_once(project: Path) -> None:
    done = refuse([*GUNICORN, "--reload", "--spew", "-k", "tornado", "a:b"], project)

    assert len(re.findall("cannot be honoured", done.stderr)) == 3


def test_a_server_option_beside_another_servers_command_is_refused(project: Path) -> None:
    done = refuse([*GUNICORN, "a:b"], project, "--server", "waitress")

    assert "--server waitress: the command after -- is gunicorn's" in done.stderr
    assert done.returncode == 2
