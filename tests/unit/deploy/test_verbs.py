"""The verbs of a site, as far as they start nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gunwale.cli import main
from gunwale.deploy import audit
from gunwale.deploy.state import Paths, Site, State
from gunwale.errors import ConfigurationError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    monkeypatch.chdir(folder)
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def a_site(root: Path, project: Path, **values: object) -> None:
    state = State(Paths(root))
    state.create(Site(name="shop", project=str(project), front={"listen": ":1", "names": []}, **values))  # type: ignore[arg-type]


def test_dry_run_of_up_does_nothing(project: Path, tmp_path: Path) -> None:
    done = run("up", "--state", str(tmp_path / "s"), "--allow-root", "--dry-run")
    assert done.exit_code == 0
    assert f"v1 from {project}, beside nothing; nothing is done now" in done.output
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("verb", ["deploy", "rollback", "down"])
def test_verb_without_a_site_says_how_to_get_one(project: Path, tmp_path: Path, verb: str) -> None:
    done = run(verb, "--state", str(tmp_path / "s"))
    assert isinstance(done.exception, ConfigurationError)
    assert str(done.exception) == f"{tmp_path / 's'}: no site is up here\n  hint: gunwale up"


def test_folder_of_the_same_name_elsewhere_is_not_taken_for_the_site(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gunwale.deploy.state.folder", lambda name, *_: tmp_path / name)
    a_site(tmp_path / "shop", Path("/elsewhere/shop"), is_up=True)
    for words in (("deploy",), ("down",), ("up", "--allow-root")):
        done = run(*words)
        assert isinstance(done.exception, ConfigurationError)
        assert "the site shop is that of another folder, /elsewhere/shop" in str(done.exception)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.mark.usefixtures("as_root")
def test_deploy_may_run_as_root_where_the_site_was_allowed_it(project: Path, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "s"))
    a_site(tmp_path / "s", project, is_up=True, allow_root=True)
    assert "root     allowed" in run("status", *state).output
    assert run("deploy", "--dry-run", *state).exit_code == 0
    assert "would run as root" in str(run("deploy", "--dry-run", "--no-allow-root", *state).exception)
    assert run("deploy", "--dry-run", *state).exit_code == 0, "a dry run takes nothing back"


@pytest.mark.usefixtures("as_root")
def test_what_was_allowed_is_taken_back_by_a_word(project: Path, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "s"))
    a_site(tmp_path / "s", project, is_up=True, allow_root=True)
    done = run("deploy", "--no-allow-root", *state)
    assert "the application may run as root no more" in done.output
    assert "would run as root" in str(done.exception)

    assert "would run as root" in str(run("deploy", *state).exception)
    assert json.loads(run("status", *state, "--format", "json").output)["allow_root"] is False
    said = audit.read(tmp_path / "s/audit.jsonl")
    assert [(each["verb"], each["allowed"]) for each in said] == [("allow-root", False)]


@pytest.mark.usefixtures("as_root")
def test_site_that_is_down_allows_nothing(project: Path, tmp_path: Path) -> None:
    a_site(tmp_path / "s", project, is_up=False, allow_root=True)
    for words in ((), ("--dry-run",)):
        assert "would run as root" in str(run("up", "--state", str(tmp_path / "s"), *words).exception)


def test_status_of_a_site_that_is_down(project: Path, tmp_path: Path) -> None:
    a_site(tmp_path / "s", project)
    done = run("status", "--state", str(tmp_path / "s"), "--format", "json")
    found = json.loads(done.output)
    assert (found["site"], found["up"], found["caddy"], found["tasks"]) == ("shop", False, None, [])
    assert "shop  down" in run("status", "--state", str(tmp_path / "s")).output


def test_logs_show_the_last_lines_of_what_is_named(project: Path, tmp_path: Path) -> None:
    a_site(tmp_path / "s", project)
    Paths(tmp_path / "s").log("v1.1").write_text("one\ntwo\nthree\n")
    state = ("--state", str(tmp_path / "s"))
    assert run("logs", *state, "-n", "2", "v1.1").output == "v1.1 | two\nv1.1 | three\n"
    done = run("logs", *state, "v9.1")
    assert str(done.exception) == "v9.1: has no log here\n  hint: there are v1.1"


def test_wrong_words_are_usage(project: Path) -> None:
    for words in (("up", "--issuer", "me"), ("deploy", "--release", "nowhere"), ("logs", "-n", "-1")):
        assert run(*words).exit_code == 2
