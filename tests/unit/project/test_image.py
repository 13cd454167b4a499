"""What is in an image: what its stages take from the context, what they install, what they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.base import Reference
from gunwale.project.context import layout
from gunwale.project.image import Image, build
from gunwale.project.model import Project
from gunwale.project.packages import installed
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from pathlib import Path


def _project(root: Path, files: dict[str, str]) -> Project:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Project(root)


def _image(project: Project, path: str = "Dockerfile") -> Image:
    dockerfile = project.one(Dockerfile, path)
    assert dockerfile is not None
    image = build(project, dockerfile, None, None)
    assert image is not None
    return image


@pytest.mark.parametrize(
    ("lines", "inside"),
    [
        ("WORKDIR /srv\nCOPY . .", {"/srv/Dockerfile", "/srv/app.py", "/srv/src/shop/web.py"}),
        ("COPY src/ ./src", {"/src/shop/web.py"}),
        ("COPY src /srv", {"/srv/shop/web.py"}),
        ("WORKDIR /srv\nCOPY app.py /srv", {"/srv/app.py"}),
        ("COPY app.py /entry", {"/entry"}),
        ("COPY *.py src /srv/", {"/srv/app.py", "/srv/shop/web.py"}),
        ("FROM a\nCOPY --from=0 /etc /etc", set()),
        ("WORKDIR /b\nCOPY . /b\nFROM a\nCOPY --from=0 /b/src /srv", {"/srv/shop/web.py"}),
    ],
)
def test_each_copy_brings_its_files_to_their_place(lines: str, inside: set[str], tmp_path: Path) -> None:
    files = {"Dockerfile": f"FROM a\n{lines}\n", "app.py": "", "src/shop/web.py": ""}
    project = _project(tmp_path, files)

    assert set(layout(project, _image(project))) == inside


def test_what_dockerignore_leaves_out_is_not_in_the_image(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM a\nCOPY . /\n", ".dockerignore": "**\n!app.py\n", "app.py": "", "b.py": ""}
    project = _project(tmp_path, files)

    assert set(layout(project, _image(project))) == {"/app.py"}


@pytest.mark.parametrize(
    ("run", "names"),
    [
        ("apt-get update && apt-get install -y --no-install-recommends gcc libpq5", ["gcc", "libpq5"]),
        ("set -eux \\\n  ; apk add --no-cache --virtual .build gcc \\\n  ; apk del .build", []),
        ("deps='gcc make'; apt-get install -y $deps && apt-get purge -y gcc", ["make"]),
        ("apt-get install -y gcc\nRUN apt-get remove gcc", []),
        ("python -m pip install -r requirements.txt gunicorn==21.2", ["requirements.txt", "gunicorn==21.2"]),
        ("uv pip install --system .", ["."]),
        ("<<EOF\napk add git\nEOF", ["git"]),
        ('["apt-get", "install", "-y", "curl"]', ["curl"]),
        ("echo apt-get install gcc", []),
    ],
)
def test_a_run_installs_what_it_does_not_remove(run: str, names: list[str], tmp_path: Path) -> None:
    project = _project(tmp_path, {"Dockerfile": f"FROM a\nRUN {run}\n"})

    assert [each.name for each in installed(project, _image(project))] == names


def test_a_base_may_be_another_dockerfile_of_the_project(tmp_path: Path) -> None:
    files = {
        "core/base/Dockerfile": "FROM python:3.13-slim\nENV PORT=80\nUSER 1000\nCOPY libs /libs\n",
        "core/web/Dockerfile": 'FROM base\nCOPY app.py /\nCMD ["gunicorn", "app:app"]\n',
        "core/web/app.py": "",
    }
    project = _project(tmp_path, files)
    image = _image(project, "core/web/Dockerfile")

    assert image.base.value == "python:3.13-slim"
    assert image.user is not None
    assert image.environ["PORT"].value == "80"
    assert set(layout(project, image)) == {"/app.py"}


def test_compose_gives_arguments_to_the_build(tmp_path: Path) -> None:
    files = {
        "Dockerfile": 'FROM a\nARG WAY=dev\nCOPY scripts/${WAY}/ /run/\nENTRYPOINT ["/run/start.sh"]\n',
        "compose.yaml": "services:\n  web:\n    build:\n      context: .\n      args:\n        WAY: live\n",
        "scripts/live/start.sh": "#!/bin/sh\nexec gunicorn app:app\n",
        "scripts/dev/start.sh": "#!/bin/sh\nexec flask run\n",
    }
    (start,) = _project(tmp_path, files).derive(web_starts)

    assert start.server is not None
    assert str(start.server.at) == "scripts/live/start.sh:2"


@pytest.mark.parametrize(
    ("code", "workers"),
    [
        ("os.system('gunicorn -w 3 app:app')", 3),
        ("words = ['gunicorn', '-w', '3']\nwords += ['app:app']\nos.system(' '.join(words))", 3),
        ("subprocess.call(['gunicorn', '-w', os.environ['N'], 'app:app'])", None),
        ("subprocess.run('gunicorn -w %d app:app' % n, shell=True)", None),
        ("line = f'gunicorn -w {1 + 2} app:app'\nsubprocess.Popen(shlex.split(line))", 3),
        ("os.execlp('gunicorn', 'gunicorn', '-w', '3', 'app:app')", 3),
    ],
)
def test_a_command_is_read_however_the_code_puts_it_together(
    code: str, workers: int | None, tmp_path: Path
) -> None:
    files = {"Dockerfile": 'FROM a\nCOPY start.py /\nCMD ["python", "start.py"]\n'}
    files["start.py"] = f"import os, shlex, subprocess\n{code}\n"
    (start,) = _project(tmp_path, files).derive(web_starts)

    assert start.server is not None
    assert start.server.number("workers", 1) == workers


@pytest.mark.parametrize(
    ("name", "is_fat", "is_floating"),
    [
        ("python", True, True),
        ("python:3.13", True, False),
        ("python:3.13-slim-trixie", False, False),
        ("docker.io/library/python:3-alpine", False, True),
        ("public.ecr.aws/docker/library/python:3.13", True, False),
        ("debian:13-slim", False, False),
        ("ubuntu:24.04", True, False),
        ("alpine:3.22", False, False),
        ("registry:5000/team/python:3.13", False, False),
        ("ghcr.io/astral-sh/uv:python3.13-bookworm-slim", False, False),
        ("ghcr.io/astral-sh/uv:python3.13-bookworm", True, False),
        ("tiangolo/uwsgi-nginx-flask:python3.11", True, False),
        ("gcr.io/distroless/python3", False, True),
        ("python:${TAG}", False, False),
    ],
)
def test_a_base_is_judged_by_its_name_where_it_is_known(
    name: str, *, is_fat: bool, is_floating: bool
) -> None:
    reference = Reference.of(name)

    assert (reference.is_fat, reference.is_floating) == (is_fat, is_floating)


def test_an_end_of_support_is_known_by_version_and_by_code_name() -> None:
    assert Reference.of("python:3.8.10-slim-buster").ends == [
        ("Python 3.8", "2024-10-07"),
        ("Debian buster", "2024-06-30"),
    ]
    assert Reference.of("debian:10.3-slim").ends == [("Debian buster", "2024-06-30")]
    assert Reference.of("python:3.13-alpine3.18").ends == [("Alpine 3.18", "2025-05-09")]
    assert Reference.of("python:3.14-slim").ends == []
