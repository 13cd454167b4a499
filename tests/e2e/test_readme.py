"""Every command of the README is run, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.containers import HARDENED

if TYPE_CHECKING:
    from e2e.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# In the order in which they stand there. `make test` is run by CI itself, before these tests.
TARGETS, INSTALL, START = (text for language, text in FENCED.findall(README) if language == "sh")
APPLICATION = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return "the own answer of the application"
"""


def _commands(block: str) -> list[str]:
    return [line.partition("#")[0].strip() for line in block.splitlines()]


def _run(*argv: str, seconds: float = 300) -> str:
    done = subprocess.run(
        argv,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_the_first_commands_are_two_make_targets() -> None:
    assert _commands(TARGETS) == ["make demo", "make test"]
    assert "pytest" in _run("make", "--dry-run", "test")
    assert "bench/demo.py" in _run("make", "--dry-run", "demo")  # which tests/e2e/test_demo.py runs


@pytest.mark.slow
def test_pip_install_brings_a_gunwale_command(tmp_path: Path) -> None:
    assert _commands(INSTALL) == ["pip install ."]
    _run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    _run(str(tmp_path / "venv" / "bin" / "pip"), "install", "-qq", *_commands(INSTALL)[0].split()[2:])

    assert _run(str(tmp_path / "venv" / "bin" / "gunwale"), "--version").startswith("gunwale")


@pytest.mark.docker
def test_the_ten_line_start_serves_an_application_and_stops_it_well(
    engine: Engine, shop_image: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APPLICATION)
    tmp_path.chmod(0o755)
    # Where gunwale is installed already, as an ordinary user: what the lines assume.
    mount = ("--volume", f"{tmp_path}:/project:ro", "--workdir", "/project")
    said = engine.run("run", "--rm", *HARDENED, *mount, shop_image, "bash", "-euxc", START)

    assert "serve.workers" in said
    assert '"status": "ok"' in said or "ready" in said
    assert "the own answer of the application" in said
    assert "exit status 0" in said


def test_the_plan_of_the_readme_is_one_that_gunwale_reads(tmp_path: Path) -> None:
    (text,) = (text for language, text in FENCED.findall(README) if language == "toml")
    assert set(tomllib.loads(text)["tool"]) == {"gunwale"}
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "app.py").write_text(APPLICATION)

    said = _run(sys.executable, "-m", "gunwale", "plan", str(tmp_path), "--format", "json")

    assert '"gthread"' in said
    assert os.fspath(tmp_path / "pyproject.toml") in said
