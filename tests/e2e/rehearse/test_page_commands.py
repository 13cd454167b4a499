"""Every command of docs/rehearse.md is run, as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.cli import main
from gunwale.cli.rehearse import FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[3]
SHOP = ROOT / "examples" / "shop"
PAGE = (ROOT / "docs" / "rehearse.md").read_text()
FENCED = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
(BLOCK,) = FENCED.findall(PAGE)
FIRST, *OTHERS, NAIVE = (line.partition("#")[0].strip() for line in BLOCK.splitlines())
PROSE = re.findall(r"`([^`]+)`", FENCED.sub("", PAGE))
OF_FOUR, SIMULATED = (line for line in PROSE if line.startswith("gunwale rehearse --"))
APPLICATION = """
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "my own answer")
"""


def run(
    line: str, *more: str, folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    first, *rest = shlex.split(line)
    return subprocess.run(
        [sys.executable, "-m", first, *rest, *more],
        cwd=folder,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "gunwale.toml").write_text('app = "app:app"\n')
    return tmp_path


@pytest.mark.parametrize("line", [FIRST, *OTHERS, NAIVE, SIMULATED])
def test_every_command_is_understood_and_comes_through_where_nothing_is_real(
    project: Path, line: str
) -> None:
    more = () if line == SIMULATED else ("--simulate",)
    done = run(line, *more, folder=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "tasks" in done.stdout


# The first command is the first half of this one.
@pytest.mark.slow
@pytest.mark.parametrize("line", [NAIVE])
def test_ours_loses_nothing_and_the_naive_way_stands_beside_it(project: Path, line: str) -> None:
    assert line == f"{FIRST} --against naive"
    done = run(line, folder=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(
        r"^the naive way failed [1-9]\d* of \d+ requests, gunwale serve 0 of \d+$", done.stdout, re.MULTILINE
    )
    assert re.search(r"^ZERO LOSS: 0 of \d+ requests failed$", done.stdout, re.MULTILINE)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("line", [FIRST, *OTHERS])
def test_the_other_commands_lose_nothing(project: Path, line: str) -> None:
    done = run(line, folder=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ZERO LOSS" in done.stdout


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_the_shop_is_rolled_as_the_page_says(tmp_path: Path) -> None:
    shop = {"FLASK_INSTANCE_PATH": str(tmp_path)}
    seeded = run("flask --app shop seed", folder=SHOP, env=shop)
    assert seeded.returncode == 0, seeded.stderr
    done = run(OF_FOUR, folder=SHOP, env=shop)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(
        r"^roll-out 1: [\d.]+ s \(boot \+ longest request \+ 2 s: [\d.]+ s\)$", done.stdout, re.MULTILINE
    )


def test_every_fault_and_option_of_the_page_is_one_of_the_verb() -> None:
    table = re.findall(r"^\| `([a-z]+[a-z-]*)` \|", PAGE, re.MULTILINE)
    assert sorted(table) == sorted(FAULTS)

    verb = main.get_command(None, "rehearse")  # type: ignore[arg-type]
    assert verb is not None
    known = {option for each in verb.params for option in each.opts}
    assert {option for line in PROSE for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)} <= known


@pytest.mark.parametrize("script", [line for line in PROSE if line.startswith("python bench/")])
def test_the_scripts_that_made_its_figures_are_there(script: str) -> None:
    assert (ROOT / script.split()[1]).is_file()
