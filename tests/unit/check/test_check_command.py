"""`gunwale check` and `gunwale explain`: what they print, and how they exit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from gunwale.check import rule as rules
from gunwale.check.finding import Confidence, Severity, Topic
from gunwale.check.rule import About, Rule
from gunwale.check.run import CRASHED, findings_of
from gunwale.cli import main
from gunwale.errors import GunwaleError
from gunwale.project.model import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SECRET = "hunter2-hunter2"
FILES = {
    "Dockerfile": 'FROM python:3.13-slim\nCOPY app.py .\nCMD ["gunicorn", "app:app"]\n',
    "app.py": f'from flask import Flask\n\napp = Flask(__name__)\napp.secret_key = "{SECRET}"\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def _json(*words: str | Path) -> Any:
    return json.loads(_run("check", "--format", "json", *words).stdout)


def test_a_finding_is_shown_with_its_line_and_what_to_do(project: Path) -> None:
    done = _run("check", project)

    assert done.exit_code == 1
    assert done.stdout.startswith(
        "start path: Dockerfile\n  Dockerfile:3: gunicorn app:app\n  → gunicorn app:app\n"
    )
    assert (
        "error[root-user]: no USER is set: the server runs as root\n"
        " --> Dockerfile:3:1\n"
        '3 | CMD ["gunicorn", "app:app"]\n'
        "  | ^\n"
        " ::: Dockerfile:1:1\n"
        "1 | FROM python:3.13-slim\n"
        "  | ^ because here: python:3.13-slim begins as root\n"
        "  = hint: add USER 10001 (any number but 0) after the last step that needs root\n"
    ) in done.stdout


def test_json_has_the_promised_fields(project: Path) -> None:
    found = _json(project)

    assert list(found) == ["start_path", "findings", "not_checked"]
    fields = "rule topic severity confidence message hint path line column related fixable fingerprint url"
    assert {tuple(each) for each in found["findings"]} == {tuple(fields.split())}


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_no_format_shows_a_secrets_value(form: str, project: Path) -> None:
    assert SECRET not in _run("check", "--strict", "--format", form, project).output


def test_sarif_names_every_rule_it_refers_to(project: Path) -> None:
    (run,) = json.loads(_run("check", "--format", "sarif", project).stdout)["runs"]
    named = [each["id"] for each in run["tool"]["driver"]["rules"]]

    assert run["results"]
    assert all(named[each["ruleIndex"]] == each["ruleId"] for each in run["results"])


def test_github_shows_one_command_a_finding(project: Path) -> None:
    lines = _run("check", "--format", "github", project).stdout.splitlines()

    assert "::error file=Dockerfile,line=3,col=1,title=root-user::no USER is set" in "\n".join(lines)
    assert len(lines) == len(_json(project)["findings"])


def test_a_project_without_faults_exits_with_0(tmp_path: Path) -> None:
    assert _run("check", tmp_path).exit_code == 0


def test_the_example_shop_is_clean() -> None:
    done = _run("check", "--select", "secrets", "--select", "debug", ROOT / "examples" / "shop")

    assert done.exit_code == 0, done.output


def test_select_and_ignore_take_rules_and_topics(project: Path) -> None:
    assert {each["rule"] for each in _json("--select", "root", project)["findings"]} == {"root-user"}
    assert "root-user" not in {each["rule"] for each in _json("--ignore", "root-user", project)["findings"]}


def test_a_mistyped_rule_is_refused_with_the_one_that_was_meant(project: Path) -> None:
    done = _run("check", "--ignore", "root-usr", project)

    assert isinstance(done.exception, GunwaleError)
    assert done.exception.exit_code == 2
    assert "did you mean 'root-user'?" in str(done.exception)


def test_a_comment_with_a_reason_silences_a_rule_at_its_line(project: Path) -> None:
    text = FILES["Dockerfile"].replace("CMD", "# gunwale: ignore[root-user] a build container\nCMD")
    (project / "Dockerfile").write_text(text)

    assert "root-user" not in {each["rule"] for each in _json(project)["findings"]}


def test_a_comment_without_a_reason_silences_nothing_and_is_reported(project: Path) -> None:
    (project / "Dockerfile").write_text(
        FILES["Dockerfile"].replace("CMD", "# gunwale: ignore[root-user]\nCMD")
    )

    assert {"root-user", "suppression-without-reason"} <= {
        each["rule"] for each in _json(project)["findings"]
    }


def test_a_comment_that_silences_nothing_is_reported(project: Path) -> None:
    (project / "Dockerfile").write_text(f"# gunwale: ignore[debug-on] once\n{FILES['Dockerfile']}")

    (unused,) = [each for each in _json(project)["findings"] if each["rule"] == "suppression-unused"]
    assert (unused["path"], unused["line"]) == ("Dockerfile", 1)


def test_what_the_baseline_holds_is_not_shown_again_though_its_line_moved(project: Path) -> None:
    baseline = project / "baseline.json"
    baseline.write_text(_run("check", "--format", "json", project).stdout)
    (project / "Dockerfile").write_text(f"# moved\n\n{FILES['Dockerfile']}")

    assert _json("--baseline", baseline, project)["findings"] == []


def test_a_rule_that_crashes_is_a_finding_and_not_the_end(tmp_path: Path) -> None:
    def check(_project: Project) -> Iterator[Any]:
        yield from ()
        raise RuntimeError(SECRET)

    about = About(Topic.IMAGE, Severity.ERROR)
    (found,) = findings_of(Rule("broken", about, "Breaks.", check), Project(tmp_path))

    assert (found.rule, found.topic, found.confidence) == (CRASHED, Topic.IMAGE, Confidence.CERTAIN)
    assert SECRET not in found.finding.message


@pytest.mark.parametrize("name", rules.names())
def test_explain_shows_the_page_of_a_rule(name: str) -> None:
    done = _run("explain", name)

    assert done.exit_code == 0
    assert done.stdout.startswith(f"# {name}\n")
    assert "## Use instead" in done.stdout


def test_explain_without_a_rule_lists_them_all() -> None:
    listed = [line.split()[0] for line in _run("explain").stdout.splitlines()]

    assert listed == rules.names()
