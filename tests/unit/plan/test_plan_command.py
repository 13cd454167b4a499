from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gunwale.cli.plan import command
from gunwale.errors import ConfigurationError
from gunwale.plan import explain

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Load, Write


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "WEB_CONCURRENCY", "FLASK_APP", "GUNICORN_CMD_ARGS"):
        monkeypatch.delenv(name, raising=False)


def run(project: Path, *words: str) -> str:
    result = CliRunner().invoke(command, [str(project), *words], obj={"verbose": False, "config": None})

    assert result.exception is None, result.exception
    return result.stdout


def test_the_first_line_names_the_plans_file(project: Path, write: Write) -> None:
    assert run(project).splitlines()[0] == "no plan file: defaults"

    file = write("gunwale.toml", "")

    assert run(project).splitlines()[0] == f"plan file: {file}"


def test_the_table_shows_each_value_with_its_origin_and_reason(project: Path, write: Write) -> None:
    write("gunwale.toml", "[serve]\nrequest_timeout = '20s'\n")

    lines = [" ".join(line.split()) for line in run(project).splitlines()]

    assert "request_timeout 20 s file: gunwale.toml: serve.request_timeout" in lines
    assert "access_log json default: one object a line: no field can be forged" in lines
    assert any(line.startswith("drain_timeout ") and " derived: stop_timeout " in line for line in lines)
    for section in ("serve", "proxies", "health", "security", "database", "rollout", "image"):
        assert section in lines


def test_piped_text_has_no_colour(project: Path) -> None:
    assert "\x1b" not in run(project)


def test_problems_are_printed_with_their_hint(project: Path) -> None:
    shown = run(project)

    assert "warning: " in shown
    assert "hint: write app = " in shown


def test_json_has_values_with_origin_and_why_and_problems(project: Path, write: Write) -> None:
    file = write("gunwale.toml", "[serve]\nworkers = 3\n")

    document = json.loads(run(project, "--format", "json"))

    assert document["plan_file"] == str(file)
    assert document["values"]["serve.workers"] == {
        "value": 3,
        "origin": "file",
        "why": "gunwale.toml: serve.workers",
    }
    assert document["values"]["serve.drain_timeout"]["origin"] == "derived"
    assert {problem["key"] for problem in document["problems"]} == {"app"}
    assert set(document["problems"][0]) == {"severity", "key", "where", "message", "hint"}


def test_auto_is_shown_as_what_it_comes_to(plan: Load) -> None:
    workers = next(value for value in explain.values(plan()) if value.key == "serve.workers")

    assert (workers.value, workers.origin) == (4, "derived")
    assert workers.why.startswith("⌈2 × 2 CPUs⌉ = 4; the memory of a worker is not measured")


def test_explain_tells_every_source_and_marks_the_one_taken(
    project: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("gunwale.toml", "[serve]\nworkers = 3\n")
    write("gunicorn.conf.py", "workers = 5\n")
    monkeypatch.setenv("WEB_CONCURRENCY", "4")

    shown = [" ".join(line.split()) for line in run(project, "--explain", "workers").splitlines()]

    assert "serve.workers = 4" in shown
    assert "→ environment WEB_CONCURRENCY: 4" in shown
    assert "file gunwale.toml: serve.workers: 3" in shown
    assert "gunicorn.conf.py gunicorn.conf.py:1: workers: 5" in shown
    assert "command line not given: --workers or --set serve.workers=VALUE" in shown


def test_explain_tells_the_arithmetic_of_a_derived_value(project: Path) -> None:
    shown = run(project, "--explain", "serve.drain_timeout", "--set", "rollout.stop_timeout=50")

    assert "serve.drain_timeout = 47 s" in shown
    assert "stop_timeout 50 − lame_duck 0 − 3 s = 47 s" in shown


def test_explain_can_be_read_by_machines(project: Path) -> None:
    document = json.loads(run(project, "--explain", "lame_duck", "--format", "json"))

    assert document["key"] == "serve.lame_duck"
    assert [source["source"] for source in document["sources"] if source["taken"]] == ["derived"]


def test_explain_of_the_hops_gives_the_line_for_proxyfix(project: Path) -> None:
    shown = run(project, "--explain", "hops", "--set", "proxies.chain=cloudfront,alb")

    assert (
        "app.wsgi_app = ProxyFix(app.wsgi_app, x_for=2, x_proto=1, x_host=0, x_port=0, x_prefix=0)" in shown
    )
    assert "cloudfront append, alb append → 2 trusted, wanted value at 2 → 2" in shown


def test_the_chain_is_explained_layer_by_layer(project: Path) -> None:
    shown = run(project, "--explain", "proxies", "--set", "proxies.chain=cloudfront,alb")
    lines = [" ".join(line.split()) for line in shown.splitlines()]

    assert "client → cloudfront → alb → server" in lines
    assert "X-Forwarded-For: 2" in lines
    assert "cloudfront append 1 trusted, wanted at 1 adds the address of the client" in lines
    assert "alb append 2 trusted, wanted at 2 adds the address of cloudfront" in lines
    assert "X-Forwarded-Port: 0 (Host carries the port)" in lines
    assert "it cannot protect against" in lines
    assert any("the scheme of the hop cloudfront → alb" in line for line in lines)


def test_the_chain_is_explained_to_machines(project: Path) -> None:
    words = ["--explain", "proxies", "--format", "json", "--set", "proxies.chain=api-gateway-http,alb"]

    document = json.loads(run(project, *words))

    assert document["hops"]["forwarded"] == 1
    assert document["proxy_fix"] is None
    (way,) = document["ways"]
    assert way["way"] == "api-gateway-http → alb"
    assert way["fields"]["X-Forwarded-Proto"]["why"] == "Forwarded is read instead"
    assert [step["trusted"] for step in way["fields"]["Forwarded"]["steps"]] == [1, 1]


def test_without_a_chain_there_is_nothing_to_explain(project: Path) -> None:
    assert "no chain is declared" in run(project, "--explain", "proxies")


def test_every_door_is_explained(project: Path) -> None:
    words = ["--set", "proxies.chain=alb", "--set", "proxies.doors=[[]]"]

    assert "client → direct → server" in run(project, "--explain", "proxies", *words)


def test_every_setting_can_be_explained(plan: Load) -> None:
    found = plan()

    for value in explain.values(found):
        told = explain.story(found, value.key)
        assert told.meaning
        assert told.expects


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("serve.wrkers", "serve.workers"),
        ("timeout", ""),
        ("wokers", "serve.workers"),
        ("zzzzzz", "gunwale plan lists"),
    ],
)
def test_a_key_nobody_knows_is_refused_with_the_nearest(name: str, hint: str) -> None:
    if not hint:
        assert explain.find_key(name) == "health.timeout"
        return
    with pytest.raises(ConfigurationError) as caught:
        explain.find_key(name)
    assert hint in str(caught.value)


def test_secrets_are_not_in_the_story(plan: Load, write: Write) -> None:
    write("gunwale.toml", "[environment]\nsecrets = {KEY = '/run/secrets/key'}\n")

    told = explain.story(plan(), "environment.secrets")

    assert ("file", "gunwale.toml: environment.secrets: (not shown)", True) in told.sources


def test_a_mistake_ends_the_verb_with_2_and_no_traceback(project: Path, write: Write) -> None:
    write("gunwale.toml", "[serve]\nworkers = 'four'\n")

    done = subprocess.run(
        [sys.executable, "-m", "gunwale", "plan", str(project)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "gunwale.toml: serve.workers: should be an integer from 1 to 4096" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_sound_plan_ends_the_verb_with_0(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunwale", "plan", str(project)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert done.stderr == ""
