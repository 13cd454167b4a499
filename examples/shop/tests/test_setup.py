import stat
from pathlib import Path

import pytest
import sqlalchemy
from flask import Flask
from shop import create_app, health
from shop.database import db
from shop.models import Base
from shop.seed import seed_command
from sqlalchemy.exc import OperationalError


def rows(app: Flask) -> dict[str, list[tuple[object, ...]]]:
    """Every row there is but for the account's, whose password hash is salted."""
    with app.app_context(), db.engine.connect() as connection:
        tables = [table for table in Base.metadata.sorted_tables if table.name != "account"]
        return {t.name: [tuple(row) for row in connection.execute(sqlalchemy.select(t))] for t in tables}


def dispose(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def test_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first, second = (create_app({"INSTANCE_PATH": tmp_path}) for _ in range(2))

    assert len(first.secret_key or "") >= 32
    assert second.secret_key == first.secret_key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if "sqlite" not in path.name) == ["secret.key"]


def test_configuration_comes_from_the_environment_then_from_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_SECRET_KEY", "from the environment")
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", f"sqlite:///{tmp_path / 'its.sqlite'}")

    by_environment, by_caller = create_app(), create_app({"SECRET_KEY": "the caller's"})

    assert [app.secret_key for app in (by_environment, by_caller)] == ["from the environment", "the caller's"]
    assert (tmp_path / "its.sqlite").exists()
    assert not (tmp_path / "secret.key").exists()


def test_read_only_instance_folder_gives_way_to_one_of_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    first, second = (create_app({"INSTANCE_PATH": "/proc/shop"}) for _ in range(2))

    assert Path(first.instance_path).parent == tmp_path
    assert stat.S_IMODE(Path(first.instance_path).stat().st_mode) == 0o700
    assert (second.instance_path, second.secret_key) == (first.instance_path, first.secret_key)


def test_folder_that_others_may_read_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = Path(create_app({"INSTANCE_PATH": "/proc/shop"}).instance_path)
    folder.chmod(0o755)

    with pytest.raises(PermissionError, match="a folder of this user alone; set FLASK_INSTANCE_PATH"):
        create_app({"INSTANCE_PATH": "/proc/shop"})


def test_database_in_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="should name a file"):
        create_app({"INSTANCE_PATH": tmp_path, "SQLALCHEMY_DATABASE_URI": "sqlite://"})


def test_no_connection_is_open_once_the_application_is_made(tmp_path: Path) -> None:
    create_app({"INSTANCE_PATH": tmp_path})
    opened = [path.resolve() for path in Path("/proc/self/fd").iterdir() if path.exists()]

    assert (tmp_path / "shop.sqlite").exists()
    assert not [path for path in opened if path.is_relative_to(tmp_path)]


def test_database_takes_several_writers(empty_app: Flask) -> None:
    with empty_app.app_context(), db.engine.connect() as connection:
        settings = {
            name: connection.execute(sqlalchemy.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }

    assert settings == {"journal_mode": "wal", "busy_timeout": 15_000, "foreign_keys": 1}


def test_seed_is_the_same_everywhere_and_may_be_repeated(app: Flask, tmp_path: Path) -> None:
    other = create_app({"INSTANCE_PATH": tmp_path / "other"})
    outputs = [other.test_cli_runner().invoke(seed_command).output for _ in range(2)]
    its_rows = rows(other)
    dispose(other)

    assert outputs == ["200 products added\n", "0 products added\n"]
    assert its_rows == rows(app)
    assert len(its_rows["product"]) == 200


def test_health_is_well_while_the_database_answers(app: Flask) -> None:
    with app.app_context():
        health.database()


def test_health_raises_when_the_database_does_not_answer(empty_app: Flask, tmp_path: Path) -> None:
    (tmp_path / "shop.sqlite").unlink()
    (tmp_path / "shop.sqlite").mkdir()

    with empty_app.app_context(), pytest.raises(OperationalError):
        health.database()
