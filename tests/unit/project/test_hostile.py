"""Files that no reader can trust: each is said to be unread, with the reason, and the rest goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gunwale.check.run import audit
from gunwale.project.model import Project
from gunwale.project.tree import Tree
from gunwale.project.versions import requirements

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = 'FROM python:3.13-slim\nCOPY app.py .\nCMD ["gunicorn", "app:app"]\n'
BOMB = "a: &a [x, x]\n" + "".join(f"k{n}: &k{n} [*{'a' if n == 0 else f'k{n - 1}'}, *a]\n" for n in range(60))
MERGES = "m0: &m0 {" + ", ".join(f"k{n}: 1" for n in range(3000)) + "}\n"
MERGES += "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 100))


def _why(root: Path) -> str:
    (root / "Dockerfile").write_text(DOCKERFILE)
    report = audit(root)

    assert {each.rule for each in report.findings} >= {"root-user", "workers-unset"}
    return "\n".join(each.why for each in report.not_checked)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("services: {web: [", "broken YAML", id="broken YAML"),
        pytest.param("services: {{ .Values.x }}\n  a: b: c", "broken YAML", id="a template"),
        pytest.param("[" * 5000, "nested deeper", id="deep nesting"),
        pytest.param("a: *b", "no anchor", id="an alias of nothing"),
        pytest.param("a: &a [*a]", "no anchor", id="an alias of itself"),
        pytest.param(MERGES, "merges more than", id="merges that grow"),
        pytest.param("a\0b", "NUL", id="a NUL byte"),
        pytest.param("x" * (2**20 + 1), "larger than", id="too large"),
    ],
)
def test_a_compose_file_that_cannot_be_read_is_said_to_be_unread(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(text)

    assert f"compose.yaml{':' if ':' in why else ''}" in _why(tmp_path)
    assert why in _why(tmp_path)


def test_a_yaml_bomb_is_read_without_being_blown_up(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(f"{BOMB}services: {{}}\n")

    assert "compose.yaml" not in _why(tmp_path)


def test_invalid_utf8_is_said_to_be_unread(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_bytes(b"web: gunicorn \xff app:app\n")

    assert "Procfile: not read: not UTF-8" in _why(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16_is_read_by_its_mark_as_pip_reads_it(encoding: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "requirements.txt").write_bytes(f"{mark}Flask==2.0.1\n".encode(encoding))

    (found,) = requirements(Project(tmp_path), "flask")

    assert found.pinned == (2, 0, 1)


def test_what_pip_put_into_a_folder_of_the_project_is_not_its_code(tmp_path: Path) -> None:
    for name in ("lib/flask/app.py", "lib/Flask-2.0.1.dist-info/METADATA", "old/bin/activate", "old/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "app.py").write_text("")
    tree = Tree.walk(tmp_path)

    assert tree.files == ("app.py",)
    assert tree.skipped == ("lib", "old")


def test_a_fifo_does_not_hold_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Procfile")

    assert "Procfile: not read: not a regular file" in _why(tmp_path)


def test_a_link_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("web: gunicorn secret:app\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "Procfile").symlink_to(outside)

    assert "Procfile: not read: a link out of the project" in _why(project)


def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "Procfile").symlink_to("Procfile")
    (tmp_path / "folder").symlink_to(".")

    assert "Procfile: not read" in _why(tmp_path)


def test_a_template_of_a_dockerfile_is_said_to_be_unread(tmp_path: Path) -> None:
    (tmp_path / "app.Dockerfile").write_text("{% if x %}\nFROM python\n{% else %}\nFRM x\n{% endif %}\n")

    assert "app.Dockerfile: not read: a template" in _why(tmp_path)


def test_python_of_the_project_is_never_run(tmp_path: Path) -> None:
    harm = f"import flask, pathlib\npathlib.Path({str(tmp_path / 'harm')!r}).write_text('x')\n"
    for name in ("app.py", "gunicorn.conf.py", "conftest.py", "setup.py"):
        (tmp_path / name).write_text(harm)
    _why(tmp_path)

    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "text", ["(" * 3000, "x = " + "-" * 20000 + "1", "def f(:", "a.b" * 5 + "\n" + "[" * 300]
)
def test_python_that_cannot_be_parsed_ends_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"import flask\n{text}\n")

    assert "app.py" in _why(tmp_path)


def test_lines_that_end_as_on_windows_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_bytes(b"worker: rq\r\nweb: gunicorn app:app\r\n")
    (tmp_path / "Dockerfile").write_bytes(DOCKERFILE.replace("\n", "\r\n").encode())

    lines = {each.finding.at.line for each in audit(tmp_path).findings if each.rule == "workers-unset"}
    assert lines == {3}


def test_a_file_of_50_mb_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "app.py").open("wb") as file:
        file.truncate(50_000_000)

    assert "app.py: not read: larger than" in _why(tmp_path)


def test_includes_that_go_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(
        "http {\n  include nginx.conf;\n  server {\n    location / { proxy_pass http://web:8000; }\n  }\n}\n"
    )
    (tmp_path / "requirements.txt").write_text("-r requirements.txt\nflask\n")

    assert "failed" not in _why(tmp_path)


def test_folders_nested_without_end_are_said_to_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 70)).mkdir(parents=True)

    assert "deeper than 64 directories" in _why(tmp_path)
