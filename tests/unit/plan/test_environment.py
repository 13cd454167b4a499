from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Load, Write

MIB = 2**20


@pytest.mark.parametrize(
    ("environ", "key", "value"),
    [
        ({"GUNWALE_SERVE_BIND": "127.0.0.1:1,[::1]:2"}, "serve.bind", ["127.0.0.1:1", "[::1]:2"]),
        ({"GUNWALE_SERVE_REQUEST_TIMEOUT": "20s"}, "serve.request_timeout", 20.0),
        ({"GUNWALE_SERVE_PRELOAD": "yes"}, "serve.preload", True),
        ({"GUNWALE_APP": "shop:app"}, "app", "shop:app"),
        ({"GUNWALE_PROXIES_CHAIN": "cloudflare,alb"}, "proxies.chain", ["cloudflare", "alb"]),
        ({"GUNWALE_PROXIES_NETWORKS": "any"}, "proxies.networks", ["0.0.0.0/0", "::/0"]),
        (
            {"GUNWALE_SECURITY_COOKIES": '{secure = true, samesite = "Strict"}'},
            "security.cookies",
            {"secure": True, "httponly": True, "samesite": "Strict"},
        ),
        ({"GUNWALE_RESOURCES_WORKER_MEMORY": "60MiB"}, "resources.worker_memory", 60 * MIB),
        ({"GUNICORN_BIND": "127.0.0.1:9"}, "serve.bind", ["127.0.0.1:9"]),
        ({"GUNICORN_TIMEOUT": "20"}, "serve.request_timeout", 20.0),
        ({"GUNICORN_GRACEFUL_TIMEOUT": "31"}, "serve.drain_timeout", 31.0),
        ({"GUNICORN_WORKER_CLASS": "gevent"}, "serve.worker_class", "gevent"),
        ({"GUNICORN_LOG_LEVEL": "DEBUG"}, "serve.log_level", "debug"),
        ({"WEB_CONCURRENCY": "3"}, "serve.workers", 3),
        ({"PORT": "5000"}, "serve.bind", ["0.0.0.0:5000"]),
        ({"PORT": "5000", "GUNICORN_BIND": "127.0.0.1:1"}, "serve.bind", ["127.0.0.1:1"]),
        ({"WEB_CONCURRENCY": ""}, "serve.workers", "auto"),
    ],
)
def test_value_of_the_environment(plan: Load, environ: dict[str, str], key: str, value: object) -> None:
    assert plan(environ=environ).flat()[key] == value


def test_the_applications_own_variables_are_never_touched(plan: Load) -> None:
    environ = {"FLASK_SERVE_WORKERS": "x", "FLASK_DEBUG": "1", "GUNICORN_PORT": "tcp://10.0.0.1:80"}

    assert plan(environ=environ).flat() == plan().flat()


@pytest.mark.parametrize(
    "name",
    ["GUNWALE_SERVICE_HOST", "GUNWALE_PORT", "GUNWALE_PORT_80_TCP_ADDR", "GUNWALE_WEB_SERVICE_PORT_HTTP"],
)
def test_a_kubernetes_service_called_gunwale_does_no_harm(plan: Load, name: str) -> None:
    assert plan(environ={name: "tcp://10.0.0.1:80"}).flat() == plan().flat()


def test_the_supervisors_own_variable_is_no_setting(plan: Load) -> None:
    assert plan(environ={"GUNWALE_SUPERVISED": "{}"}).flat() == plan().flat()


def test_flask_app_gives_the_application(plan: Load, write: Write) -> None:
    write("hello.py", "from flask import Flask\nsite = Flask('x')\n")

    found = plan(environ={"FLASK_APP": "hello.py"})

    assert found.app == "hello:site"
    assert found.origins["app"].place == "FLASK_APP"


def test_flask_app_that_leads_nowhere_is_a_warning(plan: Load) -> None:
    problem = plan(environ={"FLASK_APP": "gone"}).problems[0]

    assert (problem.where, problem.severity) == ("FLASK_APP", "warning")
    assert problem.message == "no file of the module 'gone'"


def test_the_echos_token_is_no_setting(plan: Load) -> None:
    loaded = plan(environ={"GUNWALE_ECHO_TOKEN": "0123456789abcdef01234567"})

    assert "0123456789abcdef01234567" not in str(loaded.flat())
