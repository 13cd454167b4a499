from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest

from gunwale.plan import sources
from gunwale.plan.capacity import Capacity
from gunwale.plan.model import SETTINGS
from gunwale.plan.origin import Source

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Load, Refuse, Write

MIB = 2**20


def test_without_anything_the_plan_is_defaults(plan: Load) -> None:
    found = plan()

    assert found.title == "no plan file: defaults"
    assert found.serve.workers == "auto"
    assert found.serve.bind == ("127.0.0.1:8000",)
    assert found.serve.drain_timeout == 57.0
    assert found.name == "shop"


def test_flat_plan_is_json_with_the_keys_of_the_table(plan: Load) -> None:
    flat = plan().flat()

    assert set(flat) == {*SETTINGS, "proxies.hops"}
    assert json.loads(json.dumps(flat)) == flat


def test_every_value_has_an_origin_with_a_place_or_a_reason(plan: Load) -> None:
    found = plan(environ={"PORT": "80"}, command_line={"serve.workers": "3"})

    assert set(found.origins) == set(found.flat())
    for key, origin in found.origins.items():
        assert origin.place or origin.why, key


def test_every_setting_says_what_it_means_and_takes() -> None:
    for setting in SETTINGS.values():
        assert setting.meaning, setting.key
        assert setting.kind.expects, setting.key
        assert setting.is_derived or setting.why, setting.key


def test_a_plan_cannot_be_changed(plan: Load) -> None:
    found = plan()

    with pytest.raises(FrozenInstanceError):
        found.serve.workers = 5  # type: ignore[misc]


SOURCES = ["command line", "set", "gunwale", "gunicorn variable", "file", "gunicorn.conf.py"]


@pytest.mark.parametrize("strongest", range(len(SOURCES)), ids=SOURCES)
def test_the_strongest_source_that_is_given_decides(plan: Load, write: Write, strongest: int) -> None:
    """Each source gives one worker more than the one before; they are taken away from the top."""
    given = set(range(strongest, len(SOURCES)))
    environ = {}
    if 2 in given:
        environ["GUNWALE_SERVE_WORKERS"] = "3"
    if 3 in given:
        environ |= {"GUNICORN_WORKERS": "4", "WEB_CONCURRENCY": "40"}
    if 4 in given:
        write("gunwale.toml", "[serve]\nworkers = 5\n")
    write("gunicorn.conf.py", "workers = 6\n")

    found = plan(
        environ=environ,
        command_line={"serve.workers": 1} if 0 in given else {},
        sets=["serve.workers=2"] if 1 in given else [],
    )

    assert found.serve.workers == strongest + 1


def test_an_application_that_was_found_says_where(plan: Load, write: Write) -> None:
    write("wsgi.py", "from flask import Flask\nsite = Flask('x')\n")

    found = plan()

    assert found.app == "wsgi:site"
    assert found.origins["app"].why == "found in wsgi.py:2"
    assert not [problem for problem in found.problems if problem.key == "app"]


def test_no_application_is_a_problem_that_says_what_to_write(plan: Load) -> None:
    found = plan()

    problem = next(problem for problem in found.problems if problem.key == "app")
    assert found.app is None
    assert "gunwale serve module:variable" in problem.hint


def test_the_table_of_pyproject_is_the_plan(plan: Load, write: Write, project: Path) -> None:
    write("pyproject.toml", '[tool.gunwale]\nname = "web"\n[tool.gunwale.serve]\nworkers = 3\n')

    found = plan()

    assert found.file == project / "pyproject.toml"
    assert (found.name, found.serve.workers) == ("web", 3)
    assert found.origins["serve.workers"].place == "pyproject.toml: tool.gunwale.serve.workers"


def test_a_pyproject_without_the_table_is_no_plan(plan: Load, write: Write) -> None:
    write("pyproject.toml", '[project]\nname = "x"\n')

    assert plan().file is None


def test_gunwale_toml_wins_over_pyproject_and_says_so(plan: Load, write: Write) -> None:
    write("pyproject.toml", "[tool.gunwale.serve]\nworkers = 3\n")
    write("gunwale.toml", "[serve]\nthreads = 2\n")

    found = plan()

    assert (found.serve.workers, found.serve.threads) == ("auto", 2)
    assert "[tool.gunwale] is not read: gunwale.toml holds the plan" in [
        problem.message for problem in found.problems
    ]


def test_a_file_can_be_named(plan: Load, write: Write, tmp_path: Path) -> None:
    write("gunwale.toml", "[serve]\nworkers = 3\n")
    other = tmp_path / "other.toml"
    other.write_text("[serve]\nworkers = 5\n")

    assert plan(config_file=other).serve.workers == 5


@pytest.mark.parametrize(
    "value", ["./secrets/key", "/run/secrets/key", "arn:aws:ssm:eu-central-1:1:parameter/key"]
)
def test_a_secret_is_named_by_where_it_is(plan: Load, write: Write, value: str) -> None:
    write("gunwale.toml", f"[environment]\nsecrets = {{SECRET_KEY = '{value}'}}\n")

    assert plan().environment.secrets == {"SECRET_KEY": value}


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("serve.workers=4", "serve.workers", 4),
        ("serve.workers = auto", "serve.workers", "auto"),
        ("serve.request_timeout=12s", "serve.request_timeout", 12.0),
        ('serve.bind=["127.0.0.1:1", "127.0.0.1:2"]', "serve.bind", ["127.0.0.1:1", "127.0.0.1:2"]),
        ('name="web"', "name", "web"),
        ("name=web", "name", "web"),
        ("serve.preload=true", "serve.preload", True),
        (
            "proxies.request_id=CF-Ray",
            "proxies.request_id",
            {"field": "CF-Ray", "pattern": "[0-9a-f]{16}(-[A-Z]{3})?"},
        ),
        ("proxies.chain=['alb']", "proxies.chain", ["alb"]),
        ("rollout.release_command=flask db upgrade", "rollout.release_command", "flask db upgrade"),
        ("serve.bind=:80", "serve.bind", ["0.0.0.0:80"]),
    ],
)
def test_set_takes_a_toml_value_or_a_bare_text(plan: Load, word: str, key: str, value: object) -> None:
    assert plan(sets=[word]).flat()[key] == value


def test_an_option_for_no_setting_is_refused(refusal: Refuse) -> None:
    assert "did you mean serve.workers?" in refusal(command_line={"serve.wokers": "3"})


def test_every_problem_has_a_place(plan: Load, write: Write) -> None:
    write("pyproject.toml", "[tool.gunwale]\n")
    write("gunwale.toml", "")
    write("gunicorn.conf.py", "workers = (")

    problems = plan(environ={"FLASK_APP": "gone"}).problems

    assert len(problems) == 4
    assert all(problem.where and problem.message and problem.hint for problem in problems)


def test_an_option_that_was_not_given_is_not_a_value(plan: Load) -> None:
    found = plan(command_line={"serve.workers": None, "serve.bind": ()})

    assert found.origins["serve.workers"].source is Source.DEFAULT
    assert found.origins["serve.bind"].source is Source.DERIVED


def test_every_variable_is_listed_for_its_key() -> None:
    assert sources.VARIABLES["serve.workers"] == [
        "GUNWALE_SERVE_WORKERS",
        "GUNICORN_WORKERS",
        "WEB_CONCURRENCY",
    ]
    assert set(sources.VARIABLES) == set(SETTINGS)


def test_in_a_container_every_interface_is_bound(plan: Load) -> None:
    found = plan(in_container="/.dockerenv")

    assert found.serve.bind == ("0.0.0.0:8000",)
    assert found.serve.admin_bind == "127.0.0.1:8001"
    assert found.rollout.stop_timeout == 40.0
    assert "/.dockerenv" in found.origins["rollout.stop_timeout"].why


def test_on_kubernetes_the_probes_come_from_outside(plan: Load) -> None:
    found = plan(environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, in_container="KUBERNETES_SERVICE_HOST")

    assert found.serve.admin_bind == "0.0.0.0:8001"


def test_on_ecs_a_failing_dependency_is_reported_and_not_a_restart_loop(plan: Load) -> None:
    assert plan(sets=["rollout.platform=ecs"]).health.after_ready == "report"
    assert plan().health.after_ready == "503"


def test_where_one_worker_is_all_that_fits_it_has_threads(plan: Load) -> None:
    found = plan(capacity=Capacity(cpu=0.5, memory=256 * MIB))

    assert (found.serve.worker_class, found.serve.threads) == ("gthread", 4)
    assert "one worker is all that fits (⌈2 × 0.5 CPUs⌉ = 1" in found.origins["serve.worker_class"].why


def test_a_worker_class_somebody_chose_stands(plan: Load) -> None:
    found = plan(capacity=Capacity(cpu=0.5, memory=None), sets=["serve.worker_class=sync"])

    assert (found.serve.worker_class, found.serve.threads) == ("sync", 1)


def test_gthread_has_four_threads(plan: Load) -> None:
    assert plan(sets=["serve.worker_class=gthread"]).serve.threads == 4


def test_max_requests_are_spread(plan: Load) -> None:
    assert plan(sets=["serve.max_requests=1000"]).serve.max_requests_jitter == 100


def test_cookies_are_secure_where_tls_is_in_the_chain(plan: Load) -> None:
    with_tls = plan(
        sets=["proxies.chain=[{name = 'alb', tls = true}]", "security.cookies={samesite = 'Strict'}"]
    )

    assert with_tls.security.cookies == {"secure": True, "httponly": True, "samesite": "Strict"}
    assert plan(sets=["proxies.chain=alb"]).security.cookies["secure"] is None


def test_an_inherited_chain_gives_hops_keepalive_and_request_id(plan: Load) -> None:
    found = plan(sets=["proxies.chain=cloudflare,nginx-overwrite", "serve.worker_class=gthread"])

    assert found.proxies.hops is not None
    assert found.serve.keepalive == 75.0
    assert found.proxies.request_id == {"field": "X-Request-ID", "pattern": "[A-Za-z0-9._-]{1,128}"}


def test_loading_a_plan_brings_in_only_the_standard_library() -> None:
    code = (
        "import sys, pathlib; from gunwale.plan.load import load; load(pathlib.Path('.'), environ={}); "
        "print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )

    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert [name for name in loaded.split() if not name.startswith(("_", "gunwale", "sitecustomize"))] == []
