"""Jinja's templates are read as what they may become, and said to be templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project import templates
from gunwale.project.facts import Source
from gunwale.project.model import Project
from gunwale.project.python.applications import applications
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "{{cookiecutter.name}}"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\n{%- if x %}\nb\n{%- endif %}\nc", "a\n\nb\n\nc"),
        ("{% if x %}a{% else %}b{% endif %}", "b"),
        ("{% if x %}\na\n{% elif y %}\nb\n{% else %}\nc\n{% endif %}", "\n\n\n\n\nc\n"),
        ("{% if x %}a{% if y %}b{% else %}c{% endif %}{% endif %}d", "acd"),
        ("{% for x in y %}a{{ x }}{% endfor %}", "a${x}"),
        ("{# a note\nof two lines #}b", "\nb"),
        ('{% set x = "{{" %}b', "b"),
        ("{% endif %}a", ""),
    ],
)
def test_a_template_keeps_its_lines_and_one_branch(text: str, plain: str) -> None:
    assert templates.plain(Source("Dockerfile", text)).text == plain


def test_helms_templates_are_none_of_jinja() -> None:
    assert not templates.is_one(Source("deployment.yaml", "a: {{ .Values.a }}\n"))
    assert not templates.is_one(Source("deployment.yaml", "{{- toYaml x | nindent 8 }}\n"))


def test_a_cookiecutter_is_followed_from_its_dockerfile_to_its_application(tmp_path: Path) -> None:
    command = f'CMD ["gunicorn", "{PACKAGE}.app:create_app()"]'
    files = {
        "Dockerfile": f"FROM python:3.13-slim\n{{%- if x %}}\nRUN a\n{{%- endif %}}\nCOPY . .\n{command}\n",
        f"{PACKAGE}/app.py": f"import flask\nfrom {PACKAGE}.x import y\n\napp = flask.Flask(y)\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    project = Project(tmp_path)

    (start,) = project.derive(web_starts)

    assert start.server is not None
    assert start.server.name == "gunicorn"
    assert [str(each.at) for each in project.derive(applications)] == [f"{PACKAGE}/app.py:4"]
    assert "Dockerfile: a template: one of its branches was read" in [
        each.why for each in project.not_checked
    ]
