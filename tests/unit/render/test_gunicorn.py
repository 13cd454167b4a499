from __future__ import annotations

import runpy
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gunwale.errors import ConfigurationError
from gunwale.plan.load import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unit.render.conftest import Text

    Settings = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(text: Text, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Run the rendered file and return its names, in an environment that sets nothing else."""
    for name in ("PORT", "WEB_CONCURRENCY"):
        monkeypatch.delenv(name, raising=False)

    def run(*sets: str, **environ: str) -> dict[str, Any]:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "rendered.py"
        path.write_text(text("gunicorn", *sets))
        return runpy.run_path(str(path))

    return run


def test_the_settings_are_those_of_the_plan(settings: Settings) -> None:
    found = settings(
        "serve.workers=3", "serve.threads=2", "serve.worker_class=gthread", "serve.request_timeout=20s"
    )

    assert (found["workers"], found["threads"], found["worker_class"]) == (3, 2, "gthread")
    assert (found["timeout"], found["graceful_timeout"], found["keepalive"]) == (20, 57, 75)
    assert (found["wsgi_app"], found["bind"]) == ("app:app", ["127.0.0.1:8000"])


def test_the_environment_comes_first_in_the_order_of_the_plan(settings: Settings) -> None:
    assert settings(WEB_CONCURRENCY="5")["workers"] == 5
    assert settings(WEB_CONCURRENCY="5", GUNICORN_WORKERS="6")["workers"] == 6
    assert settings(GUNICORN_WORKERS="6", GUNWALE_SERVE_WORKERS="7")["workers"] == 7
    assert settings(GUNICORN_TIMEOUT="99")["timeout"] == 99
    assert settings(GUNICORN_GRACEFUL_TIMEOUT="9")["graceful_timeout"] == 9


def test_keepalive_counts_where_the_environment_chooses_another_class(settings: Settings) -> None:
    assert "keepalive" not in settings("serve.worker_class=sync")
    assert settings("serve.worker_class=sync", GUNICORN_WORKER_CLASS="gthread")["keepalive"] == 75


def test_port_means_every_interface_and_an_address_is_stronger(settings: Settings) -> None:
    assert settings(PORT="5000")["bind"] == ["0.0.0.0:5000"]
    assert settings(PORT="5000", GUNICORN_BIND="127.0.0.1:1,[::1]:1")["bind"] == ["127.0.0.1:1", "[::1]:1"]


def test_an_empty_variable_is_one_that_is_not_set(settings: Settings) -> None:
    assert settings("serve.workers=3", WEB_CONCURRENCY="", PORT="")["workers"] == 3


def test_every_number_says_where_it_comes_from(text: Text) -> None:
    found = text("gunicorn", "resources.cpu=2")

    assert "# serve.workers 4: ⌈2 × 2 CPUs⌉ = 4; no memory limit is known\n" in found
    assert "# stop_timeout 60: lame_duck 0 + drain_timeout 57 + 3\n" in found


def test_this_machines_cpus_are_not_asked(text: Text) -> None:
    assert "resources.cpu is not in the plan" not in text("gunicorn", "serve.workers=2")
    assert "# serve.workers 2: ⌈2 × 1 CPUs⌉ = 2" in text("gunicorn")


def test_a_declared_chain_leaves_the_scheme_to_its_hop_counts(settings: Settings, text: Text) -> None:
    assert settings("proxies.chain=['nginx-overwrite']")["secure_scheme_headers"] == {}
    assert settings()["secure_scheme_headers"] == {"X-FORWARDED-PROTO": "https"}
    assert "ProxyFix(app.wsgi_app, x_for=1, x_proto=1" in text(
        "gunicorn", "proxies.chain=['nginx-overwrite']"
    )


def test_gunicorn_takes_the_file(text: Text, project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(text("gunicorn"))
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_with_quotes_stays_a_name(settings: Settings) -> None:
    assert settings("app=shop:create_app('it\\'s', \"x\")")["wsgi_app"] == "shop:create_app('it\\'s', \"x\")"


def test_another_servers_plan_is_refused(text: Text) -> None:
    with pytest.raises(ConfigurationError, match="'waitress'"):
        text("gunicorn", "serve.server=waitress")


def test_the_plan_does_not_read_back_what_was_written_from_it(text: Text, project: Path) -> None:
    stamp = "# gunwale render gunicorn: 0123456789abcdef\n"
    (project / "gunicorn.conf.py").write_text(stamp + text("gunicorn", "serve.workers=7"))

    assert load(project, environ={}).serve.workers == "auto"
    assert load(project, environ={}, server_words=["app:app"]).serve.workers == 7


def test_the_plan_reads_the_users_region(text: Text, project: Path) -> None:
    stamp = "# gunwale render gunicorn: 0123456789abcdef\n"
    body = text("gunicorn").replace("# <<< yours", "max_requests = 500\n# <<< yours")
    (project / "gunicorn.conf.py").write_text(stamp + body)

    assert load(project, environ={}).serve.max_requests == 500
