from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gunwale.plan import gunicorn_options

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Load, Write

CPUS = os.cpu_count() or 1


@pytest.mark.parametrize(
    ("source", "key", "expected"),
    [
        ("workers = 4", "serve.workers", 4),
        ("workers: int = 4", "serve.workers", 4),
        ("workers = 2 * 2 + 1", "serve.workers", 5),
        (
            "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1",
            "serve.workers",
            CPUS * 2 + 1,
        ),
        ("from multiprocessing import cpu_count as n\nworkers = n() * 2", "serve.workers", CPUS * 2),
        ("import os\nworkers = os.cpu_count()", "serve.workers", CPUS),
        ("import os\nworkers = int(os.environ['N'])", "serve.workers", 7),
        ("import os\nworkers = int(os.environ.get('NONE', '3'))", "serve.workers", 3),
        ("import os\nworkers = int(os.getenv('N', 3))", "serve.workers", 7),
        ("from os import environ\nworkers = int(environ.get('N') or 1)", "serve.workers", 7),
        ("from os import getenv\nworkers = max(2, min(int(getenv('N')), 4))", "serve.workers", 4),
        ("import os\nworkers = int(os.getenv('NONE', default='6'))", "serve.workers", 6),
        ("n = 3\nworkers = n if n > 2 else 1", "serve.workers", 3),
        (
            "n = 3\nif n > 5:\n    workers = 1\nelif n == 3:\n    workers = 2\nelse:\n    workers = 3",
            "serve.workers",
            2,
        ),
        ("workers = 1\nworkers += 2", "serve.workers", 3),
        ("a, workers = 1, 2", "serve.workers", 2),
        ("workers = round(2.4) - -1", "serve.workers", 3),
        ("timeout = 120", "serve.request_timeout", 120.0),
        ("graceful_timeout = 45", "serve.drain_timeout", 45.0),
        ("keepalive = 5", "serve.keepalive", 5.0),
        ("bind = '0.0.0.0:5000'", "serve.bind", ("0.0.0.0:5000",)),
        ("bind = ':5000'", "serve.bind", ("0.0.0.0:5000",)),
        ("bind = '127.0.0.1'", "serve.bind", ("127.0.0.1:8000",)),
        ("bind = ['127.0.0.1:1', 'unix:/run/a.sock']", "serve.bind", ("127.0.0.1:1", "unix:/run/a.sock")),
        (
            "import os\nport = os.environ.get('P', 9000)\nbind = f'0.0.0.0:{port}'",
            "serve.bind",
            ("0.0.0.0:9000",),
        ),
        ("bind = '0.0.0.0:' + str(80 * 100)", "serve.bind", ("0.0.0.0:8000",)),
        ("worker_class = 'gevent'", "serve.worker_class", "gevent"),
        ("threads = 8", "serve.threads", 8),
        ("loglevel = 'INFO'.lower()", "serve.log_level", "info"),
        ("loglevel = 'Warning'", "serve.log_level", "warning"),
        ("max_requests = 1000\nmax_requests_jitter = 50", "serve.max_requests_jitter", 50),
        ("preload_app = True", "serve.preload", True),
        ("preload_app = not False and 'x' in 'xyz'", "serve.preload", True),
        ("wsgi_app = 'shop:make()'", "app", "shop:make()"),
        ("wsgi_app = 'shop.wsgi'", "app", "shop.wsgi:application"),
        ("proc_name = 'shop'", "name", "shop"),
        ("backlog = 64", "serve.backlog", 64),
    ],
)
def test_setting_of_the_configuration_file_is_read(
    plan: Load, write: Write, source: str, key: str, expected: object
) -> None:
    write("gunicorn.conf.py", source)

    found = plan(environ={"N": "7"})

    section, _, name = key.rpartition(".")
    assert getattr(getattr(found, section) if section else found, name) == expected
    assert found.origins[key].place.startswith("gunicorn.conf.py:")
    assert found.left_to_server == {}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("workers = count()", "gunicorn.conf.py:1: workers: count() is not followed"),
        ("import os\nworkers = os.environ['GONE']", "the environment has no GONE"),
        ("from site_settings import n\nworkers = n", "workers: n: imported from site_settings.n"),
        ("import os\nif os.path.exists('/x'):\n    workers = 1", "depends on a test that is not known"),
        ("for workers in range(3): pass", "assigned inside for"),
        ("try:\n    workers = 1\nexcept ImportError:\n    workers = 2", "assigned inside try"),
        ("workers = 9 ** 9 ** 9", "a power that is not followed"),
        ("workers = 1 / 0", "division by zero"),
        ("workers = 'x' * 10", "a repetition that is not followed"),
        ("from base import *", "from base import *"),
        ("workers = [1]\nworkers.append(2)", "changed by a call"),
        ("def workers(): return 4", "a function or class"),
        ("workers = lambda: 4", "is not followed"),
        ("workers = int", "workers: int is not followed"),
        ("import os\nworkers = os + 'x'", "os is not followed"),
        ("import os\nif os:\n    workers = 1", "os is not followed"),
        ("workers = 0", "should be an integer from 1 to 4096"),
    ],
)
def test_what_only_running_would_tell_is_left_to_gunicorn(
    plan: Load, write: Write, source: str, why: str
) -> None:
    write("gunicorn.conf.py", source)

    found = plan()

    assert why in found.left_to_server["serve.workers"]
    assert found.serve.workers == "auto"
    assert [problem.severity for problem in found.problems if problem.key == "serve.workers"] == ["note"]


def test_the_file_is_never_executed(plan: Load, write: Write, project: Path) -> None:
    write("gunicorn.conf.py", "open('was-run', 'w').close()\nworkers = 3\nraise SystemExit(1)\n")

    assert plan().serve.workers == 3
    assert not (project / "was-run").exists()


def test_hooks_and_other_settings_are_passed_over(plan: Load, write: Write) -> None:
    write(
        "gunicorn.conf.py",
        '"""Ours."""\nimport logging\nworkers = 3\naccesslog = "-"\n'
        "def on_starting(server):\n    server.log.info('up')\nlogging.basicConfig()\n",
    )

    found = plan()

    assert found.serve.workers == 3
    assert found.left_to_server == {}


@pytest.mark.parametrize(
    "source", ["workers = (", "workers = 1\0", b"\xff\xfe\xff".decode("latin-1") + " = = 1"]
)
def test_a_file_that_is_no_python_is_said_so(plan: Load, write: Write, source: str) -> None:
    write("gunicorn.conf.py", source)

    assert any(str(problem).startswith("gunicorn.conf.py: not read: ") for problem in plan().problems)


def test_gunicorn_cmd_args_outrank_the_file(plan: Load, write: Write) -> None:
    write("gunicorn.conf.py", "workers = 3\nthreads = 2")

    found = plan(environ={"GUNICORN_CMD_ARGS": "--workers=5 --access-logfile - --timeout 60"})

    assert (found.serve.workers, found.serve.threads, found.serve.request_timeout) == (5, 2, 60.0)
    assert found.origins["serve.workers"].place == "GUNICORN_CMD_ARGS: --workers"


def test_cmd_args_that_gunicorn_would_refuse_are_said_so(plan: Load) -> None:
    for words in ("--workers", "'unclosed"):
        problems = plan(environ={"GUNICORN_CMD_ARGS": words}).problems

        assert any(problem.where == "GUNICORN_CMD_ARGS" for problem in problems)


def test_the_users_own_command_line_is_read(plan: Load, write: Write) -> None:
    write("conf/prod.py", "workers = 2\nthreads = 2\nkeepalive = 9")
    words = (
        "-c conf/prod.py -w4 -k gthread --user www-data --preload -b :9000 -b [::1]:9000 shop:make() --reload"
    )

    found = plan(server_words=words.split())

    assert found.app == "shop:make()"
    assert found.serve.workers == 4
    assert found.serve.worker_class == "gthread"
    assert found.serve.threads == 2
    assert found.serve.preload
    assert found.serve.bind == ("0.0.0.0:9000", "[::1]:9000")
    assert found.serve.keepalive == 9.0
    assert found.origins["serve.workers"].place == "-- gunicorn --workers"
    assert found.origins["serve.keepalive"].place == "conf/prod.py:3: keepalive"


def test_an_application_without_a_variable_is_gunicorns_application(plan: Load) -> None:
    assert plan(server_words=["shop.wsgi"]).app == "shop.wsgi:application"


def test_a_configuration_module_is_not_read_and_said_so(plan: Load) -> None:
    problems = plan(server_words=["-c", "python:shop.conf", "shop:app"]).problems

    assert any("a configuration module is not read" in problem.message for problem in problems)


def test_a_configuration_file_that_is_gone_is_said_so(plan: Load) -> None:
    problems = plan(server_words=["-c", "gone.py", "shop:app"]).problems

    assert any(str(problem).startswith("gone.py: not read: ") for problem in problems)


def test_gunicorns_own_timeouts_are_judged_but_never_refused(plan: Load, write: Write) -> None:
    # One word added to a command that works must not stop it from starting.
    write("gunicorn.conf.py", "timeout = 120\ngraceful_timeout = 30")

    messages = [problem.message for problem in plan().problems]

    assert "drain_timeout 30 s is below request_timeout 120 s" in messages
    assert plan(server_words=["--timeout", "90", "shop:app"]).serve.request_timeout == 90.0


def test_every_option_of_the_installed_gunicorn_is_known() -> None:
    from gunicorn.config import KNOWN_SETTINGS

    missing = {
        flag
        for each in KNOWN_SETTINGS
        for flag in each.cli or ()
        if flag not in gunicorn_options.known_options()
    }

    assert missing == set()
