"""What health checks ask, what of it reaches the routes, and what the one who asks is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.hosts import TrustedHosts, refused
from gunwale.project.model import Project
from gunwale.project.probed import TARGET_GROUP, answering, asked, asked_anywhere, reaching
from gunwale.project.python.logins import login_wanted

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.project.probed import Asked

DOCKERFILE = """FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD {check}
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
"""
APP = """from flask import Flask
from flask_login import login_required

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = [".example.com"]


@app.get("/health")
def health():
    return "ok"


@app.get("/<name>")
@login_required
def page(name):
    return name


{more}
"""
HOOK = """@app.before_request
def ready():
    if request.path == "/ready":
        return "ok"
"""
POD = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          readinessProbe:
            httpGet: {path: /ready, port: 8000, httpHeaders: [{name: %s, value: shop.example.com}]}
"""
GROUP = """resource "aws_lb_target_group" "web" {
  port     = 8000
  protocol = "%s"
  health_check {
    path    = "/health"
    matcher = "200-299"
  }
}

resource "aws_ecs_task_definition" "web" {
  container_definitions = jsonencode([{
    name         = "web"
    image        = "registry.example/web:1"
    portMappings = [{ containerPort = 8000 }]
  }])
}
"""


def _project(root: Path, check: str = "NONE", more: str = "", **files: str) -> Project:
    (root / "Dockerfile").write_text(DOCKERFILE.format(check=check).replace("CMD NONE", "NONE"))
    (root / "app.py").write_text(APP.format(more=more))
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    return Project(root)


def _asked(project: Project) -> Asked:
    (found,) = project.derive(asked_anywhere)
    return found


@pytest.mark.parametrize(
    ("check", "host", "is_own"),
    [
        ("curl -f http://localhost:8000/health", "localhost", True),
        ("curl -f http://localhost:9000/health", "localhost", False),  # no port of the server
        ("curl -f http://shop.example.com/health", "shop.example.com", False),
        ("curl -f http://localhost:8000/$PATH_OF_HEALTH", "localhost", False),
        ("curl -f http://$NAME:8000/health", None, False),
        ("curl -f -H 'Host: shop.example.com' http://localhost:8000/health", None, True),
    ],
)
def test_a_check_says_whose_host_it_sends_and_whether_it_asks_the_server_beside_it(
    check: str, host: str | None, is_own: bool, tmp_path: Path
) -> None:
    found = _asked(_project(tmp_path, check))

    assert (found.host, found.is_own) == (host, is_own)


@pytest.mark.parametrize(("field", "host"), [("Host", None), ("X-Forwarded-Proto", "")])
def test_a_probe_sends_the_pods_address_as_its_host_and_whatever_fields_it_is_told(
    field: str, host: str | None, tmp_path: Path
) -> None:
    found = _asked(_project(tmp_path, web_yaml=POD % field))

    assert found.host == host
    assert found.sent.startswith("GET http://:8000/ready")
    assert {field, "shop.example.com"} <= set(found.sent.split())


@pytest.mark.parametrize(
    ("check", "follows"),
    [
        ("curl -fsS http://localhost:8000/health", False),  # ends well on 301
        ("curl -fsSL http://localhost:8000/health", True),
        ("curl -f --location http://localhost:8000/health", True),
        ("wget -q -O- http://localhost:8000/health", True),
        ("python -c \"import urllib.request as r; r.urlopen('http://localhost:8000/health')\"", True),
    ],
)
def test_a_command_follows_a_redirect_where_its_client_does(
    check: str, follows: bool, tmp_path: Path
) -> None:
    found = _asked(_project(tmp_path, check)).check

    assert found is not None
    assert found.follows == follows


def test_a_probe_follows_a_redirect_where_kubelet_asks_and_not_for_being_a_probe(tmp_path: Path) -> None:
    pod = POD % "Host"
    get = _asked(_project(tmp_path, web_yaml=pod)).check
    words = 'exec: {command: [curl, -f, "http://localhost:8000/ready"]}\n'
    run = _asked(_project(tmp_path, web_yaml=pod[: pod.index("httpGet")] + words)).check

    assert get is not None
    assert get.follows
    assert run is not None
    assert not run.follows


@pytest.mark.parametrize(
    ("protocol", "host", "is_refusing"),
    [("HTTP", "", True), ("HTTPS", "", False), ("TCP", None, False)],
)
def test_what_a_target_group_makes_of_an_answer_is_certain_over_plain_http_only(
    protocol: str, host: str | None, is_refusing: bool, tmp_path: Path
) -> None:
    found = _asked(_project(tmp_path, main_tf=GROUP % protocol))

    assert (found.by, found.host, found.sent) == (TARGET_GROUP, host, "")
    assert found.group is not None
    assert found.group.refuses(301, 308) == is_refusing
    assert not found.group.refuses(204, 308)  # one of them is among its codes


def test_what_a_hook_may_answer_is_asked_and_does_not_reach_the_routes(tmp_path: Path) -> None:
    project = _project(tmp_path, "curl -f http://localhost:8000/ready", HOOK)

    assert [each.path for each in project.derive(asked)] == ["/ready"]
    assert project.derive(reaching) == ()


@pytest.mark.parametrize(
    ("path", "rules", "line"),
    [
        ("/health", ["/health", "/<name>"], None),  # one of those that may answer wants none
        ("/ready", ["/<name>"], 14),
        ("/a/b", [], None),
    ],
)
def test_a_login_is_wanted_where_every_route_that_may_answer_wants_one(
    path: str, rules: list[str], line: int | None, tmp_path: Path
) -> None:
    project = _project(tmp_path, f"curl -f http://localhost:8000{path}")
    routes = answering(project, _asked(project))
    assert routes is not None
    at = login_wanted(project, routes)

    assert [route.rule for route in routes] == rules
    assert (at.line if at else None) == line


def test_routes_that_are_not_all_known_answer_nobody_knows_what(tmp_path: Path) -> None:
    project = _project(tmp_path, "curl -f http://localhost:8000/health", "import flask_restful")

    assert answering(project, _asked(project)) is None


@pytest.mark.parametrize(
    ("host", "is_held"),
    [
        ("shop.example.com", True),
        ("example.net", True),  # a port says nothing of the name
        ("example.com.evil.test", False),
        ("", False),  # an address
    ],
)
def test_a_trusted_name_with_a_dot_before_it_holds_all_below_it(
    host: str, is_held: bool, tmp_path: Path
) -> None:
    at = _asked(_project(tmp_path, "curl -f http://localhost/health")).at

    assert TrustedHosts(at, (".example.com", "example.net:8000")).hold(host) == is_held


def test_a_check_is_refused_by_a_flask_that_knows_the_list(tmp_path: Path) -> None:
    ((found, trusted),) = refused(_project(tmp_path, "curl -f http://localhost:8000/health"))

    assert (found.path, found.host, trusted.names) == ("/health", "localhost", (".example.com",))


def test_a_check_is_not_refused_by_a_flask_older_than_the_list(tmp_path: Path) -> None:
    check = "curl -f http://localhost:8000/health"

    assert list(refused(_project(tmp_path, check, requirements_txt="flask==3.0.3\n"))) == []
