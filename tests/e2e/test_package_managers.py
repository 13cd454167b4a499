"""The rendered image of a project that uv, poetry or pipenv locks: locked, built, and serving."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from e2e.containers import HARDENED, a_container
from e2e.images import Python, base_image, built_wheel, downloaded, official_python, wheelhouse
from e2e.simple_index import an_index
from gunwale.cli import main
from gunwale.render.targets.dockerfile import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.soak]

APPLICATION = (
    "from flask import Flask\n\nfrom gunwale import Gunwale\n\napp = Flask(__name__)\nGunwale(app)\n"
)
PROJECT = """\
[project]
name = "shop"
version = "1"
requires-python = ">=3.11,<3.12"
dependencies = ["flask", "gunwale"]
"""
HEALTHY_SECONDS = 60.0
OPTIONS = HARDENED[: HARDENED.index("--user")]


class Place(NamedTuple):
    """An index with everything in it, the tools that lock from it, and a Python that installs from it."""

    address: str
    tools: Path
    python: Python


@pytest.fixture(scope="module")
def place(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("wheels")
    base = base_image(engine)
    for each in (wheelhouse(engine, base), downloaded(*TOOLS.values())):
        shutil.copytree(each, folder, dirs_exist_ok=True)
    built_wheel(folder)
    tools = tmp_path_factory.mktemp("tools") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    words = [str(tools / "bin" / "pip"), "install", "-q", "--no-index", "--find-links", str(folder)]
    subprocess.run([*words, *TOOLS.values()], check=True)
    with an_index(folder) as index:
        configuration = tmp_path_factory.mktemp("python")
        with official_python(engine, configuration, index=index) as python:
            yield Place(index, tools / "bin", python)


def _lock(tool: str, project: Path, place: Place) -> None:
    """Have *tool* lock the project, whose own files name the index, as those of a company would."""
    source = f'name = "ours"\nurl = "{place.address}"\n'
    if tool == "pipenv":
        verify = 'verify_ssl = false\n\n[packages]\nflask = "*"\ngunwale = "*"\n'
        (project / "Pipfile").write_text(f"[[source]]\n{source}{verify}")
    elif tool == "poetry":
        (project / "pyproject.toml").write_text(f"{PROJECT}\n[[tool.poetry.source]]\n{source}")
    else:
        (project / "pyproject.toml").write_text(f"{PROJECT}\n[[tool.uv.index]]\n{source}default = true\n")
    environment = {
        "HOME": str(project.parent),
        "PATH": f"{place.tools}{os.pathsep}{os.environ['PATH']}",
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
        "PIPENV_PYTHON": str(place.tools / "python"),
    }
    subprocess.run(
        [str(place.tools / tool), "lock"], cwd=project, env=environment, check=True, capture_output=True
    )


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_what_the_tool_locked_is_what_the_image_serves_with(
    tool: str, engine: Engine, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(APPLICATION)
    (project / "gunwale.toml").write_text(
        f'name = "shop"\nimage.python = "{place.python.version}"\nimage.base = "{place.python.base}"\n'
        'rollout.platform = "docker"\nresources.cpu = 1\n'
    )
    _lock(tool, project, place)
    monkeypatch.chdir(project)
    main(["render"], standalone_mode=False)
    tag = f"gunwale-test-rendered:{tool}"

    began = time.monotonic()
    engine.run("build", "--quiet", "--network", "host", "--tag", tag, str(project))
    print(f"{tool}: built in {time.monotonic() - began:.0f} s")
    with a_container(engine, tag, options=OPTIONS) as container:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while (health := _health(engine, container.name)) == "starting" and time.monotonic() < deadline:
            time.sleep(0.2)
        installed = engine.run(
            "exec",
            container.name,
            "python",
            "-c",
            "import importlib.metadata as m; print(m.version('flask'))",
        )
        has_tool = engine.run("exec", container.name, "sh", "-c", f"command -v {tool} || echo none")
        status = container.stop(40)
    engine.run("rmi", "--no-prune", tag)

    assert health == "healthy"
    assert f"flask-{installed.strip()}" in " ".join(
        each.name for each in wheelhouse(engine, base_image(engine)).iterdir()
    )
    assert has_tool.strip() == "none"
    assert status == 0


def _health(engine: Engine, name: str) -> str:
    found: str = json.loads(engine.run("inspect", "--format", "{{json .State.Health}}", name))["Status"]
    return found
