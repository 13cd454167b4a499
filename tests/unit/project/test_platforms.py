"""What Kubernetes and Amazon ECS start, as whom, who checks it, and how long they wait for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.containers import image_of
from gunwale.project.facts import Unknown
from gunwale.project.health import Request, checks, timing
from gunwale.project.model import Project
from gunwale.project.privileges import User, user
from gunwale.project.start_path import web_starts
from gunwale.project.stopping import grace, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.project.start import Start

DOCKERFILE = 'FROM python:3.13-slim\nCOPY . /\nUSER root\nCMD ["gunicorn", "-w", "2", "app:app"]\n'
POD = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      %s
      containers:
        - name: proxy
          image: nginx:1.29
        - name: web
          image: registry.example/shop:1
          %s
"""
TASK = """{"containerDefinitions": [
  {"name": "web", "image": "registry.example/shop:1", %s "essential": true},
  {"name": "redis", "image": "redis:8"}
]}
"""
STACK = """Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: web
          Image: !Sub "${Repository}:${Tag}"
          User: "1000"
          StopTimeout: 60
          Command: [gunicorn, -w, "5", "app:app"]
          HealthCheck: {Command: [CMD-SHELL, curl -f http://localhost:8000/up], Interval: 10}
"""


def _start(root: Path, files: dict[str, str], dockerfile: str = "Dockerfile") -> Start:
    for name, text in {dockerfile: DOCKERFILE, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (start,) = Project(root).derive(web_starts)
    return start


def test_a_platforms_command_goes_over_the_images_and_the_image_alone_starts_nothing(tmp_path: Path) -> None:
    files = {"k8s/web.yaml": POD % ("", 'args: ["gunicorn", "-w", "3", "app:app"]')}
    start = _start(tmp_path, files)

    assert start.server is not None
    assert (start.launch.kind, start.server.number("workers", 1)) == ("kubernetes", 3)
    assert start.server.at.path == "k8s/web.yaml"


@pytest.mark.parametrize(
    ("image", "dockerfile"),
    [
        ("team/shop", "shop/Dockerfile"),
        ("team/shopapi", "shop/Dockerfile"),
        ("team/nginxshop", None),  # as likely nginx/
        ("team/other", "shop/Dockerfile"),  # nginx/ serves no Python, so that one is left
    ],
)
def test_an_images_name_tells_its_dockerfile(image: str, dockerfile: str | None, tmp_path: Path) -> None:
    for name, text in {"shop/Dockerfile": DOCKERFILE, "nginx/Dockerfile": "FROM nginx:1.29\n"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    found = image_of(Project(tmp_path), image)

    assert (found.dockerfile.path if found else None) == dockerfile


def test_cloudformation_and_a_task_definition_are_one(tmp_path: Path) -> None:
    start = _start(tmp_path, {"stack.yml": STACK})
    (found,) = checks(start)
    waits = grace(start)

    assert start.server is not None
    assert start.server.number("workers", 1) == 5
    assert found.request == Request("localhost", "8000", "/up")
    assert timing(found, "period") == 10
    assert timing(found, "timeout") == 5
    assert waits is not None
    assert waits.left == 60


@pytest.mark.parametrize(
    ("spec", "container", "name"),
    [
        ("", "", "root"),
        ("securityContext: {runAsUser: 1000}", "", "1000"),
        ("securityContext: {runAsUser: 1000}", "securityContext: {runAsUser: 0}", "0"),
        ("securityContext: {runAsNonRoot: true}", "", None),
        ("securityContext: {runAsNonRoot: true}", "securityContext: {runAsNonRoot: false}", "root"),
    ],
)
def test_the_pod_says_as_whom_the_container_outweighing_it(
    spec: str, container: str, name: str | None, tmp_path: Path
) -> None:
    start = _start(tmp_path, {"k8s/web.yaml": POD % (spec, container)})
    found = user(Project(tmp_path), start)

    assert (found.name if isinstance(found, User) else None) == name
    assert isinstance(found, Unknown) == (name is None)


@pytest.mark.parametrize(
    ("said", "commands"),
    [
        ("", []),
        ('"healthCheck": {"command": ["CMD", "curl", "-f", "localhost/up"]},', ["curl -f localhost/up"]),
        ('"healthCheck": {"command": ["NONE"]},', []),
    ],
)
def test_ecs_does_not_run_the_images_own_check(said: str, commands: list[str], tmp_path: Path) -> None:
    files = {"Dockerfile": f"{DOCKERFILE}HEALTHCHECK CMD true\n", "task.json": TASK % said}
    start = _start(tmp_path, files)

    assert start.launch.kind == "ecs"
    assert [each.command for each in checks(start)] == commands


def test_a_prestop_that_sleeps_is_part_of_the_grace_period(tmp_path: Path) -> None:
    hook = "lifecycle: {preStop: {exec: {command: [sh, -c, sleep 12]}}}"
    start = _start(tmp_path, {"k8s/web.yaml": POD % ("terminationGracePeriodSeconds: 40", hook)})
    found = grace(start)

    assert found is not None
    assert (found.said, found.held, found.left) == (40, 12, 28)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("1m30s", 90), ("1.5s", 1.5), ("200ms", 0.2), ("soon", None), ("", None)],
)
def test_a_duration_is_read_as_compose_writes_it(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


def test_a_helm_template_is_not_read_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nreplicas: {{ .Values.count }}\n"
    )
    project = Project(tmp_path)
    project.derive(web_starts)

    assert [each.why for each in project.not_checked] == ["web.yaml: not read: a template"]


UNIT = """[Service]
Environment=WEB_CONCURRENCY=3 "NAME=the shop"
ExecStart=-/srv/venv/bin/gunicorn --bind 127.0.0.1:8000 \\
    app:app
TimeoutStopSec=1min 30s
"""


def test_a_unit_is_started_with_its_environment(tmp_path: Path) -> None:
    (tmp_path / "shop.service").write_text(UNIT)
    (start,) = Project(tmp_path).derive(web_starts)
    waits = grace(start)

    assert start.server is not None
    assert start.server.number("workers", 1) == 3
    assert start.server.application == "app:app"
    assert str(start.server.at) == "shop.service:3"
    assert start.environ["NAME"].value == "the shop"
    assert waits is not None
    assert waits.said == 90


def test_supervisord_starts_its_programs_on_a_machine(tmp_path: Path) -> None:
    (tmp_path / "supervisor").mkdir()
    programs = "[program:worker]\ncommand=rq worker\n[program:web]\ncommand=gunicorn app:app ; serves\n"
    (tmp_path / "supervisor/shop.conf").write_text(programs)
    (start,) = Project(tmp_path).derive(web_starts)

    assert start.launch.kind == "supervisord"
    assert str(start.launch.at) == "supervisor/shop.conf:4"


def test_supervisord_as_a_containers_command_stays_above_its_server(tmp_path: Path) -> None:
    files = {
        "Dockerfile": 'FROM a\nCOPY . /\nCMD ["supervisord", "-n", "-c", "/supervisord.conf"]\n',
        "supervisord.conf": "[program:nginx]\ncommand=nginx\n[program:web]\ncommand=gunicorn app:app\n",
    }
    start = _start(tmp_path, files)

    assert start.launch.kind == "dockerfile"
    assert [each.text for each in start.ancestors] == ["supervisord"]


TERRAFORM = """resource "aws_ecs_task_definition" "web" {
  family                = "shop"
  container_definitions = jsonencode([
    {
      name        = "backend"
      image       = "${var.repository}:latest"
      user        = 1000
      command     = ["gunicorn", "-w", "4", "app:app"]
      stopTimeout = 50
      environment = [{ name = "A", value = var.a }, { "name" : "B", "value" : "b" }]
    },
  ])
}
"""


def test_terraform_makes_tasks_too(tmp_path: Path) -> None:
    files = {"infra/main.tf": TERRAFORM, "frontend/Dockerfile": "FROM nginx\n"}
    start = _start(tmp_path, files, "backend/Dockerfile")
    waits, as_whom = grace(start), user(Project(tmp_path), start)

    assert start.server is not None
    assert (start.launch.kind, start.server.number("workers", 1)) == ("terraform", 4)
    assert str(start.server.at) == "infra/main.tf:8"
    assert {name: each.value for name, each in start.environ.items()} == {"A": "${var.a}", "B": "b"}
    assert waits is not None
    assert waits.said == 50
    assert isinstance(as_whom, User)
    assert as_whom.name == "1000"


def test_a_task_written_as_json_in_a_heredoc_is_one_too(tmp_path: Path) -> None:
    terraform = """resource "aws_ecs_task_definition" "web" {
  container_definitions = <<TASK
  [
    {
      "name": "${local.prefix}-backend",
      "image": "${local.image}",
      "command": ["gunicorn", "-w", "4", "app:app"]
    }
  ]
  TASK
}
"""
    start = _start(tmp_path, {"main.tf": terraform})

    assert start.server is not None
    assert (start.launch.kind, str(start.server.at)) == ("terraform", "main.tf:7")


@pytest.mark.parametrize(
    "text", ['resource "a" "b" {', "= = =", "x = [" * 500, "a { " * 300 + "}" * 300, "\x01"]
)
def test_terraform_that_is_broken_is_read_as_far_as_it_goes(text: str, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(text)
    project = Project(tmp_path)

    assert project.derive(web_starts) == ()
    assert all("reader failed" not in each.why for each in project.not_checked)


UWSGI = """[uwsgi]
http-socket = :8000
module = shop.web
callable = application
processes = 3
uid = app
"""


def test_uwsgi_has_its_file_and_its_command_line_over_it(tmp_path: Path) -> None:
    command = 'FROM a\nCOPY . /\nCMD ["uwsgi", "--ini", "uwsgi.ini", "-p", "5", "--die-on-term"]\n'
    start = _start(tmp_path, {"Dockerfile": command, "uwsgi.ini": UWSGI})

    assert start.server is not None
    assert (start.server.name, start.server.application) == ("uwsgi", "shop.web:application")
    assert start.server.number("workers", 1) == 5
    assert "die-on-term" in start.server.settings
    assert user(Project(tmp_path), start) == User("another user", start.launch.at)


@pytest.mark.parametrize(
    ("command", "name", "application", "workers"),
    [
        ("waitress-serve --listen=*:8000 --call shop:create_app", "waitress", "shop:create_app", 1),
        ("uvicorn shop:app --host 0.0.0.0 --workers 3", "uvicorn", "shop:app", 3),
        ("python -m hypercorn -w 2 shop:app", "hypercorn", "shop:app", 2),
    ],
)
def test_servers_of_one_command_line(
    command: str, name: str, application: str, workers: int, tmp_path: Path
) -> None:
    start = _start(tmp_path, {"Dockerfile": f"FROM a\nCMD exec {command}\n"})

    assert start.server is not None
    assert (start.server.name, start.server.application) == (name, application)
    assert start.server.number("workers", 1) == workers
