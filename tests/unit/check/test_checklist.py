"""--checklist: every item met, not met or not checked, each with its evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from gunwale.cli import main

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "Dockerfile": """FROM python:3.13-slim AS build
RUN python -m venv /venv
FROM python:3.13-slim
COPY --from=build /venv /venv
COPY app.py /srv/
USER 10001
CMD ["gunicorn", "--workers", "4", "--access-logfile", "-", "app:app"]
""",
    "app.py": "from flask import Flask\n\napp = Flask(__name__)\n",
}


def _checklist(root: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["check", str(root), "--checklist", *words])


def _items(root: Path, *words: str) -> dict[int, Any]:
    found = json.loads(_checklist(root, "--format", "json", *words).stdout)["checklist"]
    return {each["number"]: each for each in found}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_there_are_twenty_items_and_each_has_evidence(project: Path) -> None:
    found = _items(project)

    assert list(found) == list(range(1, 21))
    assert all(each["evidence"] and each["evidence"][0]["message"] for each in found.values())


def test_an_item_is_met_with_the_place_that_shows_it(project: Path) -> None:
    found = _items(project)[13]

    assert found["state"] == "met"
    assert found["evidence"] == [{"place": "Dockerfile:7", "message": "exec form"}]


def test_an_item_is_not_met_with_what_a_rule_found(project: Path) -> None:
    (project / "Dockerfile").write_text(FILES["Dockerfile"].replace("USER 10001\n", ""))
    done = _checklist(project)

    assert done.exit_code == 1
    assert " 6 not met     does not run as root\n" in done.stdout
    assert "[root-user]" in done.stdout


def test_what_no_file_can_show_is_not_checked(project: Path) -> None:
    found = _items(project)

    assert {number for number in (10, 16) if found[number]["state"] == "not checked"} == {10, 16}


def test_an_empty_project_meets_nothing(tmp_path: Path) -> None:
    assert {each["state"] for each in _items(tmp_path).values()} == {"not checked"}


def test_a_start_that_cannot_be_followed_leaves_its_items_unchecked(project: Path) -> None:
    (project / "Dockerfile").write_text('FROM python:3.13-slim\nCMD ["/opt/vendor/start"]\n')
    found = _items(project)

    assert found[1]["state"] == found[17]["state"] == "not checked"


def test_what_is_ignored_does_not_look_met(project: Path) -> None:
    (project / "Dockerfile").write_text(FILES["Dockerfile"].replace("USER 10001\n", ""))

    assert _items(project, "--ignore", "root-user")[6]["state"] == "not met"


def test_the_checklist_is_no_sarif(project: Path) -> None:
    done = _checklist(project, "--format", "sarif")

    assert done.exit_code != 0
