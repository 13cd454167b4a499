"""From what a deployment runs to the server and its application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.facts import Given, Unknown
from gunwale.project.model import Project
from gunwale.project.python.applications import applications
from gunwale.project.start_path import starts, web_starts

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.project.start import Start

APP = "from flask import Flask\napp = Flask(__name__)\n"
RUN = f"{APP}if __name__ == '__main__':\n    app.run()\n"
SCRIPT = "#!/bin/sh\nset -e\nflask db upgrade\n"


def _starts(root: Path, files: dict[str, str]) -> list[Start]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [each for each in Project(root).derive(starts) if each.server or isinstance(each.outcome, Unknown)]


def _image(command: str) -> str:
    return f"FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\n{command}\n"


@pytest.mark.parametrize(
    ("files", "server", "at", "above"),
    [
        pytest.param(
            {"Dockerfile": _image('CMD ["gunicorn", "app:app"]')},
            "gunicorn",
            "Dockerfile:4",
            [],
            id="exec form",
        ),
        pytest.param(
            {"Dockerfile": _image("CMD gunicorn app:app")},
            "gunicorn",
            "Dockerfile:4",
            [],
            id="shell form, exec by the shell",
        ),
        pytest.param(
            {"Dockerfile": _image("CMD gunicorn app:app && echo bye")},
            "gunicorn",
            "Dockerfile:4",
            ["sh -c"],
            id="shell stays",
        ),
        pytest.param(
            {"Dockerfile": _image('ENTRYPOINT ["./boot.sh"]'), "boot.sh": f"{SCRIPT}exec gunicorn app:app\n"},
            "gunicorn",
            "boot.sh:4",
            [],
            id="a script with exec",
        ),
        pytest.param(
            {"Dockerfile": _image('ENTRYPOINT ["./boot.sh"]'), "boot.sh": f"{SCRIPT}gunicorn app:app\n"},
            "gunicorn",
            "boot.sh:4",
            ["boot.sh"],
            id="a script without exec",
        ),
        pytest.param(
            {
                "Dockerfile": _image('ENTRYPOINT ["/srv/boot.sh"]\nCMD ["gunicorn", "app:app"]'),
                "boot.sh": f'{SCRIPT}exec "$@"\n',
            },
            "gunicorn",
            "Dockerfile:5",
            [],
            id="the arguments passed on",
        ),
        pytest.param(
            {
                "Dockerfile": _image('ENTRYPOINT ["/srv/boot.sh"]\nCMD ["gunicorn", "app:app"]'),
                "boot.sh": f"{SCRIPT}exec flask run\n",
            },
            "werkzeug",
            "boot.sh:4",
            [],
            id="the arguments dropped",
        ),
        pytest.param(
            {
                "Dockerfile": _image('ENTRYPOINT ["/srv/boot.sh"]\nCMD ["db", "gunicorn", "app:app"]'),
                "boot.sh": f'{SCRIPT}host=$1\nshift\ncommand="$@"\nexec $command\n',
            },
            "gunicorn",
            "Dockerfile:5",
            [],
            id="the arguments kept in a variable, and run from there",
        ),
        pytest.param(
            {
                "Dockerfile": _image('ENTRYPOINT ["/srv/boot.sh"]\nCMD ["0.0.0.0:80"]'),
                "boot.sh": f'{SCRIPT}run="gunicorn app:app --bind $1 --name `hostname`"\n${{run}}\n',
            },
            "gunicorn",
            "boot.sh:5",
            ["boot.sh"],
            id="a command line in a variable",
        ),
        pytest.param(
            {"Procfile": "web: bin/run.sh\n", "bin/run.sh": "python manage.py migrate\ngunicorn app:app\n"},
            "gunicorn",
            "bin/run.sh:2",
            ["run.sh"],
            id="a script without #!, whose first line runs Python",
        ),
        pytest.param(
            {"Dockerfile": _image('CMD ["python", "app.py"]'), "app.py": RUN},
            "werkzeug",
            "app.py:4",
            [],
            id="python x.py",
        ),
        pytest.param(
            {
                "Dockerfile": _image('CMD ["python", "-m", "shop"]'),
                "shop/__main__.py": "from .a import main\nmain()\n",
                "shop/a.py": f"{APP}def main():\n    app.run()\n",
            },
            "werkzeug",
            "shop/a.py:4",
            [],
            id="python -m, two modules on",
        ),
        pytest.param(
            {
                "Dockerfile": _image('CMD ["shop"]'),
                "shop/a.py": f"{APP}def main():\n    app.run()\n",
                "pyproject.toml": '[project]\nname = "shop"\n[project.scripts]\nshop = "shop.a:main"\n',
            },
            "werkzeug",
            "shop/a.py:4",
            [],
            id="a console script",
        ),
        pytest.param(
            {"Dockerfile": _image('ENTRYPOINT ["tini", "--"]\nCMD ["gunicorn", "app:app"]')},
            "gunicorn",
            "Dockerfile:5",
            ["tini"],
            id="under tini",
        ),
        pytest.param(
            {"Procfile": "web: gunicorn app:app\nworker: rq worker\n"},
            "gunicorn",
            "Procfile:1",
            [],
            id="Procfile",
        ),
        pytest.param(
            {
                "Dockerfile": _image('CMD ["python", "app.py"]'),
                "app.py": RUN,
                "compose.yaml": "services:\n  web:\n    build: .\n    command: gunicorn app:app\n",
            },
            "gunicorn",
            "compose.yaml:4",
            [],
            id="compose puts its command over the image's",
        ),
    ],
)
def test_the_path_ends_at_the_server(
    files: dict[str, str],
    server: str,
    at: str,
    above: list[str],
    tmp_path: Path,
) -> None:
    (start,) = _starts(tmp_path, files)

    assert start.server is not None, start.outcome
    assert start.server.name == server
    assert str(start.server.at) == at
    assert [each.text for each in start.ancestors] == above


def test_a_compose_target_starts_that_stage_and_not_the_last(tmp_path: Path) -> None:
    dockerfile = 'FROM python AS web\nCMD ["gunicorn", "app:app"]\nFROM web AS dev\nCMD ["flask", "run"]\n'
    compose = "services:\n  web:\n    build: {context: ., target: web}\n"
    (start,) = _starts(tmp_path, {"Dockerfile": dockerfile, "compose.yaml": compose})

    assert start.server is not None
    assert start.server.name == "gunicorn"


def test_a_development_file_beside_one_of_production_starts_nothing(tmp_path: Path) -> None:
    files = {
        "Dockerfile": _image('CMD ["gunicorn", "app:app"]'),
        "docker-compose.yml": "services:\n  web:\n    build: .\n    command: flask run\n",
        "docker-compose.prod.yml": "services:\n  web:\n    build: .\n",
    }
    (start,) = _starts(tmp_path, files)

    assert start.server is not None
    assert start.server.name == "gunicorn"


def test_what_cannot_be_known_is_unknown_with_its_reason(tmp_path: Path) -> None:
    (start,) = _starts(tmp_path, {"Dockerfile": _image('ENTRYPOINT ["/opt/vendor/start.sh"]')})

    assert start.outcome == Unknown("/opt/vendor/start.sh is not in the project")


def test_settings_come_from_file_environment_and_command_line_in_gunicorns_order(tmp_path: Path) -> None:
    files = {
        "Dockerfile": _image(
            "ENV GUNICORN_CMD_ARGS='--threads 3 --timeout 20' WEB_CONCURRENCY=7\nCMD gunicorn -t 90 app:app"
        ),
        "gunicorn.conf.py": "import os\nthreads = 2\nkeepalive = 5\nbacklog = os.cpu_count()\n",
    }
    (start,) = _starts(tmp_path, files)

    assert start.server is not None
    assert start.server.number("timeout", 30) == 90
    assert start.server.number("threads", 1) == 3
    assert start.server.number("keepalive", 2) == 5
    assert start.server.number("workers", 1) == 7
    assert str(start.server.setting_at("keepalive")) == "gunicorn.conf.py:3"
    backlog = start.server.settings["backlog"]
    assert isinstance(backlog, Given)
    assert backlog.variables == ("cpu_count()",)


def test_a_plan_is_started_by_gunwale_serve_with_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n\n[tool.gunwale]\napp = "shop:app"\n\n[tool.gunwale.serve]\nthreads = 4\n'
    )
    (start,) = Project(tmp_path).derive(web_starts)
    server = start.server

    assert server is not None
    assert (server.name, server.application, server.number("threads", 1)) == ("gunwale", "shop:app", 4)
    assert server.number("workers", 1) is None
    assert str(server.setting_at("threads")) == "pyproject.toml:8"


def test_a_command_of_the_users_own_under_gunwale_keeps_its_settings(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        'FROM python:3.13-slim\nCMD ["gunwale", "serve", "--", "gunicorn", "-w", "3", "shop:app"]\n'
    )
    (start,) = Project(tmp_path).derive(web_starts)
    server = start.server

    assert server is not None
    assert (server.name, server.application, server.number("workers", 1)) == ("gunwale", "shop:app", 3)
    assert [each.text for each in start.ancestors] == ["gunwale serve"]


def test_an_application_of_a_class_made_of_flask_elsewhere_is_one(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("from flask import Flask\n\nclass Shop(Flask):\n    pass\n")
    (tmp_path / "app.py").write_text("from base import Shop\n\nserver = Shop('shop')  # made of flask\n")
    (found,) = Project(tmp_path).derive(applications)

    assert (found.file.path, found.name) == ("app.py", "server")
