from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.plan import sources
from gunwale.plan.capacity import Capacity
from gunwale.plan.load import load
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


def test_a_named_file_that_is_gone_is_refused(refusal: Refuse, tmp_path: Path) -> None:
    assert "cannot be read" in refusal(config_file=tmp_path / "gone.toml")


def test_a_file_that_is_no_toml_is_refused_with_its_line(refusal: Refuse, write: Write) -> None:
    write("gunwale.toml", "[serve]\nworkers = \n")

    assert "line 2" in refusal()


MISTAKES = [
    ("serve.workers = 'four'", "serve.workers: should be an integer from 1 to 4096 or \"auto\", not 'four'"),
    ("serve.workers = '4'", "serve.workers: should be an integer from 1 to 4096 or \"auto\", not '4'"),
    ("serve.workers = 0", "not 0"),
    ("serve.workers = true", "not True"),
    ("serve.worker = 2", "did you mean serve.workers?"),
    ("serve.worker_class = ''", "should be a worker class"),
    ("serve.access_log = 'jsn'", 'did you mean "json"?'),
    ("serve.request_timeout = 0", "should be a duration above 0"),
    ("serve.request_timeout = 'soon'", "should be a duration above 0 such as 30 or \"1m30s\", not 'soon'"),
    ("serve.bind = '::1:80'", "write an IPv6 address in brackets"),
    ("serve.bind = '127.0.0.1'", "write host:port"),
    ("serve.bind = '127.0.0.1:70000'", "from 0 to 65535"),
    ("serve.bind = 'fd://3'", "LISTEN_FDS"),
    (f"serve.bind = 'unix:/{'x' * 120}'", "longer than 107 bytes"),
    ("serve.bind = 'unix:'", "unix:/path"),
    ("serve = 3", "tool.gunwale.serve: should be a table, not 3"),
    ("serv.workers = 3", "did you mean [serve]?"),
    ("workers = 3", "did you mean serve.workers?"),
    ("health.liveness_path = 'health'", "should be a path"),
    ("health.checks = ['shop']", "should be an import string"),
    ("proxies.chain = ['ngnix']", "did you mean 'nginx'?"),
    ("proxies.networks = ['10.0.0.1/8']", "has host bits set"),
    ("proxies.networks = ['all']", "'all'"),
    ("proxies.request_id = 'X-Mine'", "needs a pattern"),
    ("proxies.request_id = {field = 'X-Mine', pattern = '('}", "is no regular expression"),
    ("security.cookies = {secure = 1}", "secure should be true or false, not 1"),
    ("security.cookies = {samesite = 'lax'}", "samesite should be one of Lax, Strict, None, not 'lax'"),
    ("security.cookies = {secur = true}", "did you mean 'secure'?"),
    ("environment.required = ['A B']", "should be the name of an environment variable"),
    ("resources.worker_memory = 'lots'", 'should be a size such as "256MiB"'),
    ("rollout.platform = 'k8s'", "should be"),
    ("rollout.max_percent = 300", "from 100 to 200"),
    ("image.python = '2.7'", "should be a version"),
    ("app = 'shop'", 'should be an application as "module:variable"'),
    ('app = "shop:make(\\n)"', "should be an application"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_mistake_in_the_file_is_told_with_its_value_and_a_way_out(
    refusal: Refuse, write: Write, line: str, message: str
) -> None:
    write("pyproject.toml", f"[tool.gunwale]\n{line}\n")

    told = refusal()

    assert message in told
    assert told.startswith("pyproject.toml: tool.gunwale.")


def test_all_mistakes_are_told_at_once_each_with_its_place(project: Path, write: Write) -> None:
    write("pyproject.toml", "[tool.gunwale.serve]\nworkers = 0\nthreds = 2\n[tool.gunwale.imag]\nuid = 1\n")

    with pytest.raises(ConfigurationError) as caught:
        load(
            project,
            environ={
                "GUNWALE_SERVE_THREADS": "many",
                "GUNWALE_SERVE_WORKER": "1",
                "PORT": "web",
                "WEB_CONCURRENCY": "x",
            },
            command_line={"serve.workers": "few"},
            sets=["serve.preload=perhaps", "nothing"],
        )

    assert sorted(problem.where for problem in caught.value.problems) == [
        "--set",
        "--set serve.preload",
        "--workers",
        "GUNWALE_SERVE_THREADS",
        "GUNWALE_SERVE_WORKER",
        "PORT",
        "WEB_CONCURRENCY",
        "pyproject.toml: tool.gunwale.imag",
        "pyproject.toml: tool.gunwale.serve.threds",
        "pyproject.toml: tool.gunwale.serve.workers",
    ]
    assert caught.value.exit_code == 2


def test_a_variable_nobody_reads_is_refused(refusal: Refuse) -> None:
    told = refusal(environ={"GUNWALE_SERVE_WORKRES": "3"})

    assert "GUNWALE_SERVE_WORKRES: no setting has this variable" in told
    assert "did you mean GUNWALE_SERVE_WORKERS?" in told


def test_a_secret_that_was_written_into_the_plan_is_never_repeated(refusal: Refuse, write: Write) -> None:
    write("gunwale.toml", "[environment]\nsecrets = {SECRET_KEY = 'hunter2hunter2'}\n")

    told = refusal()

    assert "never the secret itself" in told
    assert "hunter2" not in told


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

    assert found.hops is not None
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
