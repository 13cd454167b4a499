"""A shop on a database of its own, filled by its own command."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from shop import create_app
from shop.database import db
from shop.seed import seed_command


@pytest.fixture(autouse=True)
def _no_configuration_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app({"INSTANCE_PATH": tmp_path, "TESTING": True})
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled database, to be copied."""
    folder = tmp_path_factory.mktemp("seeded")
    app = create_app({"INSTANCE_PATH": folder})
    result = app.test_cli_runner().invoke(seed_command)
    assert result.output == "200 products added\n"
    with app.app_context():
        db.engine.dispose()  # the last to close an SQLite database moves its write-ahead log into the file
    return folder / "shop.sqlite"


@pytest.fixture
def app(empty_app: Flask, seeded: Path, tmp_path: Path) -> Flask:
    shutil.copyfile(seeded, tmp_path / "shop.sqlite")
    return empty_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
