"""Helm's charts: what their templates come to, from where, and what of them stays unknown."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunwale.project.facts import Source, UnreadableError
from gunwale.project.health import checks
from gunwale.project.model import Project
from gunwale.project.rendering import Scope, render
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts
from gunwale.project.syntax.go_template import parse

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {
    "image": {"name": "shop", "tag": 3},
    "probes": {"use": True, "path": "/up"},
    "off": False,
    "env": {"A": "1", "B": "2"},
    "list": ["x", "y"],
    "empty": {},
}
HELPERS = (
    '{{- define "shop.labels" -}}\napp: {{ .Values.image.name }}\nrelease: {{ .Release.Name }}\n{{- end -}}\n'
)
DEPLOYMENT = """{{- $name := include "shop.name" . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
spec:
  template:
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.name }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          {{- with .Values.probe }}
          livenessProbe:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- if .Values.ready }}
          readinessProbe: {httpGet: {path: {{ .Values.ready }}, port: 8000}}
          {{- end }}
"""


def _rendered(text: str) -> str:
    root = {"Values": VALUES, "Release": {"Name": "r"}}
    parts = parse(Source("t.yaml", text))
    named = {"shop.labels": parse(Source("_.tpl", HELPERS))[0].body}  # type: ignore[union-attr]
    return render("t.yaml", parts, Scope(root, root, named)).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {{ .Values.image.name }}:{{ .Values.image.tag }}", "a: shop:3"),
        ('a: {{ .Values.nothing | default "b" | quote }}', 'a: "b"'),
        ("a:{{ if .Values.off }} 1{{ else if .Values.probes.use }} 2{{ else }} 3{{ end }}", "a: 2"),
        ("{{ range $k, $v := .Values.env }}{{ $k }}={{ $v }} {{ end }}", "A=1 B=2 "),
        (
            "{{ range .Values.list }}{{ . }}{{ end }}{{ range .Values.empty }}z{{ else }}none{{ end }}",
            "xynone",
        ),
        ('a:\n  {{- include "shop.labels" . | nindent 2 }}', "a:\n  app: shop\n  release: r"),
        ("a:\n  {{- toYaml .Values.probes | nindent 2 }}\nb: 1", "a:\n  use: true\n  path: /up\nb: 1"),
        ('a: {{ printf "%s-%d" .Values.image.name .Values.image.tag | trunc 4 }}', "a: shop"),
        ('a {{- /* {{ include "b" . }} */ -}} b{{/* c */}}', "ab"),
        ("{{ if and .Values.off .Values.probes.use }}a{{ else }}b{{ end }}", "b"),
        ('{{ if eq .Values.probes.path "/up" }}a{{ end }}{{ if not .Values.off }}b{{ end }}', "ab"),
        ("{{ with .Values.probes }}{{ .path }}{{ $.Values.image.name }}{{ end }}", "/upshop"),
        ('a: {{ lookup "v1" "Secret" }}{{ include "other" . }}', "a: $UNKNOWN$UNKNOWN"),
        ('labels:\n  {{- include "other" . | nindent 2 }}\nb: 1', "labels:\nb: 1"),
    ],
)
def test_a_template_comes_to_what_helm_makes_of_it_as_far_as_that_is_known(text: str, expected: str) -> None:
    assert _rendered(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ if .Values.on }}", "without an end"),
        ("{{ end }}", "an end of nothing"),
        ("{{ .Values", "without }}"),
        ("{{ if a }}" * 60, "nested deeper"),
        ("{{ a (" * 3 + "(" * 80, "without }}"),
        ("{{ " + "(" * 80 + " }}", "nested deeper"),
    ],
)
def test_a_template_that_is_none_is_said_not_to_be_read(text: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        _rendered(text)


def test_templates_that_include_one_another_end() -> None:
    again = parse(Source("_.tpl", '{{ include "a" . }}{{ include "a" . }}'))

    with pytest.raises(UnreadableError):
        render("t.yaml", again, Scope({}, {}, {"a": again}))


def test_values_and_texts_that_grow_without_end_are_unknown_or_given_up() -> None:
    shared: list[object] = ["x"]
    for _ in range(40):
        shared = [shared, shared]
    text = '{{ $a := "aaaaaaaaaaaaaaaaaaaa" }}' + '{{ $a = replace "a" $a $a }}' * 20
    root = {"Values": {"x": shared}}
    grown = f"{text}{{{{ $a }}}}{{{{ toJson .Values.x }}}}{{{{ eq .Values.x .Values.x }}}}"

    found = render("t.yaml", parse(Source("t.yaml", grown)), Scope(root, root, {}))

    assert found.text == "$UNKNOWN" * 3
    again = parse(Source("t.yaml", '{{ include "b" . }}' * 100))
    with pytest.raises(UnreadableError, match="more than"):
        render("t.yaml", again, Scope({}, {}, {"b": parse(Source("b", "x" * 100_000))}))


@given(text=st.text(alphabet=st.sampled_from('{}{}-|()."$:=, \nifendrangeabc1`'), max_size=80))
@settings(max_examples=300)
def test_any_text_is_rendered_or_said_not_to_be(text: str) -> None:
    with contextlib.suppress(UnreadableError):
        assert isinstance(_rendered(text), str)


def _project(root: Path, values: str) -> Project:
    files = {
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "Dockerfile": 'FROM python:3.13-slim\nCOPY . .\nCMD ["gunicorn", "app:app"]\n',
        "chart/Chart.yaml": "name: shop\nappVersion: 1.0\n",
        "chart/values.yaml": values,
        "chart/templates/_helpers.tpl": '{{ define "shop.name" }}r-{{ .Chart.Name }}{{ end }}\n',
        "chart/templates/deployment.yaml": DEPLOYMENT,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Project(root)


def test_a_charts_deployment_is_started_and_checked_at_the_lines_of_its_template(tmp_path: Path) -> None:
    project = _project(
        tmp_path, "image: {name: shop}\nprobe: {httpGet: {path: /up, port: 8000}}\nready: /ready\n"
    )
    (start,) = project.derive(web_starts)

    assert start.launch.title == "chart/templates/deployment.yaml: container shop"
    assert start.launch.at.line == 10
    assert [(str(each.at), each.command) for each in checks(start)] == [
        ("chart/templates/deployment.yaml:13", "GET http://:8000/up"),
        ("chart/templates/deployment.yaml:17", "GET http://:8000/ready"),
    ]
    assert "chart: a chart: read with its own values.yaml alone" in {each.why for each in project.not_checked}


def test_values_of_production_go_over_the_charts_own(tmp_path: Path) -> None:
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart/values-prod.yaml").write_text("ready: /prod\n")
    (start,) = _project(tmp_path, "image: {name: shop}\nready: /ready\n").derive(web_starts)

    assert [each.command for each in checks(start)] == ["GET http://:8000/prod"]


def test_values_that_are_aliased_without_end_are_merged_once(tmp_path: Path) -> None:
    bomb = "k0: &k0 {a: 1}\n" + "".join(f"k{n}: &k{n} {{a: *k{n - 1}, b: *k{n - 1}}}\n" for n in range(1, 60))
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart/values-prod.yaml").write_text(bomb)

    assert _project(tmp_path, f"image: {{name: shop}}\n{bomb}").derive(web_starts)


def test_a_template_that_comes_to_no_yaml_is_said_at_its_line(tmp_path: Path) -> None:
    project = _project(tmp_path, "image: {name: 'shop: {'}\nready: '}'\n")
    project.derive(web_starts)

    assert any(
        each.why.startswith("chart/templates/deployment.yaml:17: not read: broken YAML")
        for each in project.not_checked
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("chart/templates/deployment.yaml", Role.UNSAID),
        ("templates/stack.yaml", Role.UNSAID),
        ("template.yaml", Role.UNSAID),
        ("templates/config.py", Role.DEVELOPMENT),
        ("examples/templates/a.yaml", Role.DEVELOPMENT),
        ("compose.template.yaml", Role.DEVELOPMENT),
    ],
)
def test_a_folder_of_templates_is_productions_where_platforms_have_theirs(path: str, expected: Role) -> None:
    assert role(path) is expected
