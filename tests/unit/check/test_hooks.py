"""The pre-commit hook and the GitHub action: what they install and run is what there is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml

from gunwale.cli.check import command

ROOT = Path(__file__).resolve().parents[3]


def _yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_the_hook_installs_what_the_extra_does() -> None:
    (hook,) = _yaml(".pre-commit-hooks.yaml")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["check"]

    assert sorted(hook["additional_dependencies"]) == sorted(extra)
    assert hook["entry"] == "gunwale check"


def test_the_action_hands_its_inputs_on_by_the_environment() -> None:
    action = _yaml("action.yml")
    steps = action["runs"]["steps"]

    assert not any("${{" in step["run"] for step in steps)  # what a workflow says is never shell
    assert {"path", "format", "output"} == set(action["inputs"])
    (form,) = [each for each in command.params if each.name == "form"]
    assert action["inputs"]["format"]["default"] in getattr(form.type, "choices", ())
