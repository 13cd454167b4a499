from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from gunwale.cli import main
from gunwale.errors import ConfigurationError, GunwaleError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("project")


def _render(*words: str) -> Result:
    return CliRunner().invoke(main, ["render", *words])


def _refused(*words: str) -> GunwaleError:
    result = _render(*words)
    assert isinstance(result.exception, GunwaleError)
    return result.exception


def test_a_target_is_written_and_then_in_step(project: Path) -> None:
    assert _render("gunicorn").output == "plan file: gunwale.toml\ngunicorn.conf.py: written\n"
    assert (
        _render("gunicorn").output == "plan file: gunwale.toml\ngunicorn.conf.py: is in step with the plan\n"
    )
    assert (project / "gunicorn.conf.py").read_text().startswith("# gunwale render gunicorn: ")


def test_check_says_no_until_the_file_and_the_plan_agree(project: Path) -> None:
    assert _render("--check", "gunicorn").exit_code == 1
    assert not (project / "gunicorn.conf.py").exists()
    _render("gunicorn")
    assert _render("--check").exit_code == 0
    (project / "gunwale.toml").write_text('name = "shop"\nserve.workers = 7\n')

    result = _render("--check")

    assert result.exit_code == 1
    assert "gunicorn.conf.py: differs from the plan" in result.output


def test_diff_shows_and_writes_nothing(project: Path) -> None:
    _render("gunicorn")
    (project / "gunwale.toml").write_text('name = "shop"\nserve.workers = 7\n')
    before = (project / "gunicorn.conf.py").read_text()

    result = _render("--diff")

    assert result.exit_code == 0
    assert "+    or 7\n" in result.output
    assert (project / "gunicorn.conf.py").read_text() == before


def test_an_edit_by_hand_is_never_overwritten(project: Path) -> None:
    _render("gunicorn")
    path = project / "gunicorn.conf.py"
    path.write_text(path.read_text().replace("backlog = 2048", "backlog = 64"))
    (project / "gunwale.toml").write_text('name = "shop"\nserve.workers = 7\n')

    refusal = _refused()

    assert refusal.exit_code == 1
    assert "was edited outside of the marks" in str(refusal)
    assert "backlog = 64" in path.read_text()


def test_the_environment_of_this_machine_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _render("gunicorn")
    monkeypatch.setenv("WEB_CONCURRENCY", "9")
    monkeypatch.setenv("GUNWALE_SERVE_THREADS", "9")

    assert _render("--check").exit_code == 0


def test_an_unknown_target_is_answered_with_the_one_that_was_meant() -> None:
    refusal = _refused("gunicron")

    assert isinstance(refusal, ConfigurationError)
    assert "did you mean 'gunicorn'?" in str(refusal)


def test_check_and_diff_together_are_a_usage_error() -> None:
    assert _render("--check", "--diff").exit_code == 2


def test_what_the_plan_warns_of_is_told_while_its_files_are_written(project: Path) -> None:
    (project / "gunwale.toml").write_text('name = "shop"\nserve.workers = 9\ndatabase.max_connections = 20\n')

    result = _render("gunicorn")

    assert "warning: gunwale.toml: database.max_connections: more connections than" in result.stderr
    assert (project / "gunicorn.conf.py").exists()


def test_a_plan_for_a_larger_machine_is_no_fault(project: Path) -> None:
    (project / "gunwale.toml").write_text('name = "shop"\nresources.cpu = 64\n')

    assert _render("gunicorn").stderr == ""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("print('no Flask')\n", "app: no Flask application was found"),
        ("from flask import Flask\ndef make(x):\n    return Flask(x)\n", "app.py:2: make(x) needs arguments"),
        ("from flask import Flask\napp = Flask(\n", "app.py:2: is not Python: '(' was never closed"),
    ],
)
def test_a_deployment_of_nothing_is_not_written(project: Path, source: str, said: str) -> None:
    (project / "app.py").write_text(source)
    (project / "gunwale.toml").write_text('name = "shop"\nrollout.platform = "docker"\n')
    (project / "requirements.txt").write_text("gunwale\n")
    before = sorted(project.iterdir())

    result = _render()

    assert isinstance(result.exception, ConfigurationError)
    assert "nothing to serve was found" in str(result.exception)
    assert said in result.output
    assert sorted(project.iterdir()) == before
