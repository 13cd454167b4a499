"""The verbs of a site, as far as they start nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gunwale.cli import main
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
