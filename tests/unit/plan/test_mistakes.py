from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.plan.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Refuse, Write


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
