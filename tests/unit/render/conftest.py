from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from gunwale.plan.server import GUNICORN
from gunwale.render import targets
from gunwale.render.deployment import load_deployment

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.render.deployment import Deployment

APPLICATION = "from flask import Flask\n\napp = Flask(__name__)\n"


class Load(Protocol):
    def __call__(self, *sets: str) -> Deployment: ...


class Text(Protocol):
    def __call__(self, target: str, *sets: str, path: str = ...) -> str: ...


class Change(Protocol):
    def __call__(self, text: str) -> None: ...


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project that is the working directory; its plan names it, so that no path of ours does."""
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "app.py").write_text(APPLICATION)
    (directory / "requirements.txt").write_text("flask==3.1.3\n")
    (directory / "gunwale.toml").write_text('name = "shop"\n')
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def deployment(project: Path) -> Load:
    """Load the project's plan as render does, with *sets* on top."""

    def load(*sets: str) -> Deployment:
        return load_deployment(project, None, {"gunicorn": GUNICORN}, sets)

    return load


@pytest.fixture
def text(deployment: Load) -> Text:
    """Render one file of a target: the only one, or the one of *path*."""

    def render(target: str, *sets: str, path: str = "") -> str:
        artifacts = targets.render(targets.named([target]), deployment(*sets))
        (found,) = [each for each in artifacts if each.path == path or not path]
        return found.body

    return render
