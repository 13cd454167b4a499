from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from gunwale.cli import main
from gunwale.errors import ConfigurationError, StartError

if TYPE_CHECKING:
    from pathlib import Path

APP = "from flask import Flask\napp = Flask(__name__)\n"
# With comments, odd spaces and no newline at its end: what must stay as it is.
PYPROJECT = '# ours\n[project]\nname   = "x" # kept\nversion="1"\n[tool.black]\nline-length = 100'


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    directory = tmp_path / "bare"
    directory.mkdir()
    return directory


def _init(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["init", str(directory), *words])


def _files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_without_a_pyproject_the_plan_gets_a_file_of_its_own(bare: Path) -> None:
    (bare / "app.py").write_text(APP)

    result = _init(bare, "--platform", "host")

    assert result.exit_code == 0
    plan = tomllib.loads((bare / "gunwale.toml").read_text())
    assert plan == {"app": "app:app", "name": "bare", "rollout": {"platform": "host"}}
    assert "app = app:app  (app.py:2)\n" in result.output


@pytest.mark.parametrize("text", [PYPROJECT, PYPROJECT + "\n", PYPROJECT.replace("\n", "\r\n") + "\r\n", ""])
def test_the_rest_of_pyproject_keeps_every_byte(bare: Path, text: str) -> None:
    (bare / "app.py").write_text(APP)
    (bare / "pyproject.toml").write_bytes(text.encode())

    assert _init(bare).exit_code == 0

    after = (bare / "pyproject.toml").read_bytes()
    assert after.startswith(text.encode())
    assert tomllib.loads(after.decode())["tool"]["gunwale"]["app"] == "app:app"
    assert b"\r\n" not in after or after.count(b"\n") == after.count(b"\r\n")


def test_what_the_deployment_says_is_taken_over_with_its_place(bare: Path) -> None:
    (bare / "app.py").write_text(APP)
    command = 'CMD ["gunicorn", "-w", "3", "-k", "gthread", "--timeout", "20", "app:app"]'
    (bare / "Dockerfile").write_text(f"FROM python:3.12-slim-bookworm\n{command}\n")

    _init(bare)

    plan = tomllib.loads((bare / "gunwale.toml").read_text())
    assert plan["serve"] == {"workers": 3, "worker_class": "gthread", "request_timeout": 20}
    assert plan["image"] == {"python": "3.12", "base": "slim-bookworm"}
    assert plan["rollout"] == {"platform": "docker"}
    assert "workers = 3  # Dockerfile:2\n" in (bare / "gunwale.toml").read_text()


def test_what_an_old_image_has_and_lacks_is_said(bare: Path) -> None:
    (bare / "app.py").write_text(APP)
    install = "RUN apk add --no-cache postgresql-dev gcc"
    (bare / "Dockerfile").write_text(f'FROM python:3.8-alpine\n{install}\nCMD ["gunicorn", "app:app"]\n')

    result = _init(bare)

    assert "note: Dockerfile:1: Python 3.8: gunwale runs on 3.11 or newer: write a newer" in result.output
    assert "note: Dockerfile:2: installs postgresql-dev, gcc: what is needed to run belongs into image." in (
        result.output
    )


@pytest.mark.parametrize(
    ("files", "app", "place"),
    [
        ({"backend/app.py": APP}, "app:app", "backend/app.py:2"),
        # Compose builds it there, and says more than the image does.
        (
            {
                "compose.yaml": "services: {w: {build: ./backend, command: gunicorn -w 3 serve:app}}\n",
                "backend/Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["python", "serve.py"]\n',
                "backend/serve.py": APP,
            },
            "serve:app",
            "compose.yaml:1",
        ),
        # Nothing of a name that is usual: what the image runs is the application.
        (
            {
                "compose.yaml": "services:\n  web:\n    build: ./backend\n",
                "backend/Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["python", "server.py"]\n',
                "backend/server.py": APP + "app.run()\n",
            },
            "server:app",
            "backend/server.py:3",
        ),
        (
            {
                "compose.yaml": "services:\n  web:\n    build: backend\n",
                "backend/Dockerfile": "FROM python:3.12\nCOPY . .\nENV FLASK_APP=hello.py\nCMD flask run\n",
                "backend/hello.py": APP,
            },
            "hello:app",
            "backend/Dockerfile:4",
        ),
    ],
)
def test_a_project_in_a_folder_of_its_own_gets_its_plan_there(
    bare: Path, files: dict[str, str], app: str, place: str
) -> None:
    for name, text in files.items():
        (bare / name).parent.mkdir(exist_ok=True)
        (bare / name).write_text(text)

    result = _init(bare)

    assert f"app = {app}  ({place})\n" in result.output
    assert (
        "backend/gunwale.toml: written\nthe project lies in backend: say gunwale render there"
        in result.output
    )
    plan = tomllib.loads((bare / "backend/gunwale.toml").read_text())
    assert plan["app"] == app
    assert ("serve" in plan) == ("-w 3" in files.get("compose.yaml", ""))


def test_files_that_disagree_are_a_conflict_and_none_wins(bare: Path) -> None:
    (bare / "app.py").write_text(APP)
    (bare / "Dockerfile").write_text('FROM python:3.12\nCMD ["gunicorn", "-w", "3", "app:app"]\n')
    (bare / "Procfile").write_text("web: gunicorn -w 5 app:app\n")

    result = _init(bare)

    assert "conflict: serve.workers: 3 (Dockerfile:2), 5 (Procfile:1); none is taken\n" in result.output
    assert "serve" not in tomllib.loads((bare / "gunwale.toml").read_text())


def test_the_pool_of_the_database_is_read(bare: Path) -> None:
    options = 'app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 7, "max_overflow": 3}\n'
    (bare / "app.py").write_text(APP + options + "from celery import Celery\n")

    result = _init(bare)

    assert tomllib.loads((bare / "gunwale.toml").read_text())["database"] == {
        "pool_size": 7,
        "max_overflow": 3,
    }
    assert "note: app.py: Celery: its connections belong into database.others" in result.output


def test_a_proxy_of_the_project_is_named_and_no_chain_is_concluded(bare: Path) -> None:
    (bare / "app.py").write_text(APP)
    (bare / "Procfile").write_text("web: gunicorn -b 127.0.0.1:8000 app:app\n")
    (bare / "nginx.conf").write_text("server { location / {\n  proxy_pass http://127.0.0.1:8000;\n} }\n")

    result = _init(bare)

    told = "cannot tell: what stands in front beside nginx (nginx.conf:2): declare proxies.chain"
    assert told in result.output
    assert "proxies" not in tomllib.loads((bare / "gunwale.toml").read_text())


def test_what_the_files_do_not_tell_is_said(bare: Path) -> None:
    (bare / "app.py").write_text(APP)

    result = _init(bare)

    assert "cannot tell: where it runs: give --platform" in result.output
    assert "cannot tell: its packages: no file says what to install" in result.output


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"app.py": "print('no Flask')\n"}, "no Flask application was found"),
        ({"app.py": APP, "wsgi.py": APP}, "several applications: app:app (app.py:2), wsgi:app (wsgi.py:2)"),
        (
            {"app.py": "from flask import Flask\ndef make(settings):\n    return Flask(__name__)\n"},
            "note: app.py:3: make() makes one, which may need arguments",
        ),
        ({"app.py": "from flask import Flask\napp = Flask(\n"}, "note: not read: app.py:2"),
        ({"Procfile": "web: gunicorn elsewhere:app\n"}, "elsewhere:app: its module is not found"),
        (
            {"backend/app.py": APP, "admin/app.py": APP},
            "several projects: admin (app:app, admin/app.py:2), backend (app:app, backend/app.py:2); say",
        ),
        (
            {"app.py": APP + "def make():\n    app.debug = False\n    return app\n"},
            "app:app (app.py:2) is made at import, and make() sets it up: which of them is it?",
        ),
        ({"shop/core.py": APP, "shop/__init__.py": ""}, "note: shop/core.py:2: app is one\n"),
    ],
)
def test_what_it_cannot_understand_leaves_the_project_as_it_is(
    bare: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (bare / name).parent.mkdir(exist_ok=True)
        (bare / name).write_text(text)
    before = _files(bare)

    result = _init(bare)

    assert result.exit_code == 1
    assert said in result.output
    assert "cannot tell: the application: " in result.output
    assert _files(bare) == before


def test_the_application_may_be_given(bare: Path) -> None:
    (bare / "app.py").write_text("from flask import Flask\ndef make(x):\n    return Flask(__name__)\n")

    assert _init(bare, "--app", "app:make('y')").exit_code == 0
    assert tomllib.loads((bare / "gunwale.toml").read_text())["app"] == "app:make('y')"


def test_an_application_that_is_none_is_refused(bare: Path) -> None:
    result = _init(bare, "--app", "no colon")

    assert isinstance(result.exception, ConfigurationError)
    assert "--app: should be an application" in str(result.exception)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gunwale.toml", "", "there is a plan already"),
        ("pyproject.toml", "[tool.gunwale]\n", "there is a plan already"),
        ("pyproject.toml", "[tool\n", "is not TOML"),
        ("pyproject.toml", "tool = {black = {}}\n", "to which no table can be added"),
    ],
)
def test_a_plan_file_that_cannot_take_one_stays(bare: Path, name: str, text: str, message: str) -> None:
    (bare / "app.py").write_text(APP)
    (bare / name).write_text(text)
    before = _files(bare)

    result = _init(bare)

    assert isinstance(result.exception, ConfigurationError)
    assert message in str(result.exception)
    assert _files(bare) == before


def test_values_that_contradict_one_another_are_told_at_once(bare: Path) -> None:
    (bare / "app.py").write_text(APP)
    (bare / "Dockerfile").write_text('FROM python:3.12\nCMD ["gunicorn", "--timeout", "120", "app:app"]\n')

    result = _init(bare)

    assert isinstance(result.exception, ConfigurationError)
    assert "is below request_timeout 120 s" in str(result.exception)
    assert "settle this first" in result.output


def test_a_directory_that_cannot_be_written_stays_as_it_is(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "app.py").write_text(APP)
    bare.chmod(0o555)
    if os.geteuid() == 0:  # root writes anywhere: the refusal has to come from somewhere else
        monkeypatch.setattr("tempfile.mkstemp", _refused)

    try:
        result = _init(bare)
    finally:
        bare.chmod(0o755)

    assert isinstance(result.exception, StartError)
    assert "gunwale.toml: cannot be written" in str(result.exception)
    assert list(_files(bare)) == ["app.py"]


def _refused(**_options: object) -> tuple[int, str]:
    raise PermissionError(13, "Permission denied")
