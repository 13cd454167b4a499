"""The files beside the plan: each value that the plan gives is compared with each file that says another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.model import Project
from gunwale.project.planned import disagreements

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = """
FROM python:3.13-slim
COPY . .
USER 10001
CMD ["gunicorn", "-c", "gunicorn.conf.py", "shop:app"]
"""
GUNICORN = """
bind = ":8000"
workers = 4
worker_class = "gthread"
threads = 8
timeout = 30
graceful_timeout = 25
keepalive = 75
max_requests = 1000
preload_app = True
accesslog = "-"
loglevel = "info"
proc_name = "shop"
"""
COMPOSE = """
services:
  web:
    build: .
    stop_grace_period: 40s
    mem_limit: 512m
    cpus: 2
    scale: 3
  db:
    image: postgres:18
    command: postgres -c max_connections=100
  nginx:
    image: nginx:1.29
    ports: ["80:80"]
    volumes: ["./nginx.conf:/etc/nginx/conf.d/default.conf:ro"]
"""
NGINX = """
server {
    client_max_body_size 8m;
    location / {
        proxy_pass http://web:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
"""
SHOP = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
app.config["SESSION_COOKIE_SECURE"] = False
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
db = SQLAlchemy(app, engine_options={"pool_size": 5, "max_overflow": 5})
"""
DOCKER = {
    "Dockerfile": DOCKERFILE,
    "gunicorn.conf.py": GUNICORN,
    "compose.yaml": COMPOSE,
    "nginx.conf": NGINX,
    "shop.py": SHOP,
}
KUBERNETES = {
    "Dockerfile": DOCKERFILE,
    "gunicorn.conf.py": GUNICORN,
    "shop.py": SHOP,
    "deploy/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    spec:
      terminationGracePeriodSeconds: 60
      securityContext: {runAsUser: 10002}
      containers:
        - name: web
          image: registry.example/web:1
          resources: {limits: {memory: 1Gi, cpu: 500m}}
          livenessProbe: {httpGet: {path: /alive, port: 8000}}
          readinessProbe: {httpGet: {path: /ready, port: 8000}}
""",
}
ECS = {
    "Dockerfile": DOCKERFILE,
    "gunicorn.conf.py": GUNICORN,
    "shop.py": SHOP,
    "main.tf": """
resource "aws_lb_target_group" "web" {
  port                 = 8000
  protocol             = "HTTP"
  deregistration_delay = 30
}

resource "aws_ecs_task_definition" "web" {
  cpu    = 512
  memory = 1024

  container_definitions = jsonencode([{
    name         = "web"
    image        = "registry.example/web:1"
    stopTimeout  = 60
    portMappings = [{ containerPort = 8000 }]
  }])
}
""",
}
HOST = {
    "gunicorn.conf.py": GUNICORN,
    "shop.py": SHOP,
    "web.service": "[Service]\nExecStart=gunicorn -c gunicorn.conf.py shop:app\nTimeoutStopSec=45\n",
}
PLATFORMS = {"docker": DOCKER, "kubernetes": KUBERNETES, "ecs": ECS, "host": HOST}


def _disagreements(
    root: Path, platform: str, section: str, lines: str
) -> list[tuple[str, str, str, str, int]]:
    for name, text in PLATFORMS[platform].items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.lstrip("\n"))
    head = f'platform = "{platform}"\n'
    body = (
        f"[rollout]\n{head}{lines}\n"
        if section == "rollout"
        else f"[rollout]\n{head}\n[{section}]\n{lines}\n"
    )
    (root / "gunwale.toml").write_text(f"{lines}\n[rollout]\n{head}" if not section else body)
    found = disagreements(Project(root))
    return [(each.key, each.here, each.planned, each.at.path, each.at.line) for each in found]


@pytest.mark.parametrize(
    ("platform", "section", "line", "key", "here", "planned", "place"),
    [
        ("docker", "", 'app = "shop:create_app()"', "app", "shop:app", "shop:create_app()", "Dockerfile:4"),
        ("docker", "", 'name = "till"', "name", "shop", "till", "gunicorn.conf.py:12"),
        (
            "docker",
            "serve",
            'bind = ["127.0.0.1:8000"]',
            "",
            "*:8000",
            "127.0.0.1:8000",
            "gunicorn.conf.py:1",
        ),
        ("docker", "serve", "workers = 2", "", "4", "2", "gunicorn.conf.py:2"),
        ("docker", "serve", 'worker_class = "sync"', "", "gthread", "sync", "gunicorn.conf.py:3"),
        ("docker", "serve", "threads = 4", "", "8", "4", "gunicorn.conf.py:4"),
        ("docker", "serve", 'request_timeout = "1m"', "", "30", "60", "gunicorn.conf.py:5"),
        ("docker", "serve", 'drain_timeout = "37s"', "", "25", "37", "gunicorn.conf.py:6"),
        ("docker", "serve", "keepalive = 5", "", "75", "5", "gunicorn.conf.py:7"),
        ("docker", "serve", "max_requests = 0", "", "1000", "0", "gunicorn.conf.py:8"),
        ("docker", "serve", "preload = false", "", "on", "off", "gunicorn.conf.py:9"),
        ("docker", "serve", 'access_log = "off"', "", "on", "off", "gunicorn.conf.py:10"),
        ("docker", "serve", 'log_level = "debug"', "", "info", "debug", "gunicorn.conf.py:11"),
        ("docker", "image", "uid = 1000", "", "10001", "1000", "Dockerfile:3"),
        ("docker", "image", 'python = "3.12"', "", "3.13", "3.12", "Dockerfile:1"),
        ("docker", "image", 'base = "alpine"', "", "slim", "alpine", "Dockerfile:1"),
        ("docker", "rollout", 'stop_timeout = "1m"', "", "40", "60", "compose.yaml:4"),
        ("docker", "rollout", "tasks = 2", "", "3", "2", "compose.yaml:7"),
        ("docker", "resources", 'memory = "1GiB"', "", "512 MiB", "1 GiB", "compose.yaml:5"),
        ("docker", "resources", "cpu = 1", "", "2", "1", "compose.yaml:2"),
        (
            "docker",
            "proxies",
            'chain = ["cloudflare", "nginx-proxy-add"]',
            "proxies.hops",
            "x_for=1, x_host=0, x_prefix=0",
            "x_for=2, x_host=1, x_prefix=1",
            "shop.py:8",
        ),
        (
            "docker",
            "proxies",
            'chain = [{name = "edge", for = "overwrite", max_body = "64MiB"}]',
            "proxies.chain max_body",
            "8 MiB",
            "64 MiB",
            "nginx.conf:2",
        ),
        (
            "docker",
            "security",
            'trusted_hosts = ["shop.example.org"]',
            "",
            "shop.example.com",
            "shop.example.org",
            "shop.py:6",
        ),
        ("docker", "security.cookies", "secure = true", "", "off", "on", "shop.py:7"),
        (
            "docker",
            "database",
            "pool_size = 5\nmax_overflow = 10",
            "database.pool_size + max_overflow",
            "10",
            "15",
            "shop.py:9",
        ),
        ("docker", "database", "max_connections = 200", "", "100", "200", "compose.yaml:10"),
        ("kubernetes", "rollout", "stop_timeout = 40", "", "60", "40", "deploy/web.yaml:8"),
        ("kubernetes", "rollout", "tasks = 3", "", "2", "3", "deploy/web.yaml:5"),
        ("kubernetes", "image", "uid = 10001", "", "10002", "10001", "deploy/web.yaml:9"),
        ("kubernetes", "resources", 'memory = "2GiB"', "", "1 GiB", "2 GiB", "deploy/web.yaml:13"),
        ("kubernetes", "resources", "cpu = 1", "", "0.5", "1", "deploy/web.yaml:11"),
        ("kubernetes", "health", 'liveness_path = "/live"', "", "/alive", "/live", "deploy/web.yaml:14"),
        ("kubernetes", "health", 'readiness_path = "/up"', "", "/ready", "/up", "deploy/web.yaml:15"),
        ("ecs", "rollout", "stop_timeout = 120", "", "60", "120", "main.tf:14"),
        ("ecs", "rollout", "deregistration_delay = 60", "", "30", "60", "main.tf:4"),
        ("ecs", "resources", 'memory = "2GiB"', "", "1 GiB", "2 GiB", "main.tf:9"),
        ("ecs", "resources", "cpu = 1", "", "0.5", "1", "main.tf:11"),
        ("host", "rollout", "stop_timeout = 60", "", "45", "60", "web.service:3"),
    ],
)
def test_what_a_file_says_otherwise_is_found_with_both_values(
    tmp_path: Path, platform: str, section: str, line: str, key: str, here: str, planned: str, place: str
) -> None:
    key = key or f"{section}.{line.partition(' ')[0]}"
    found = _disagreements(tmp_path, platform, section, line)
    path, _, number = place.rpartition(":")

    assert (key, here, planned, path, int(number)) in found
    assert {each[0] for each in found} <= {key, "health.liveness_path"}


@pytest.mark.parametrize(
    ("platform", "section", "line"),
    [
        ("docker", "serve", 'bind = ["0.0.0.0:8000"]'),  # ":8000" means the same
        ("docker", "serve", 'workers = "auto"'),  # whatever it comes to, no file says otherwise
        ("docker", "serve", 'request_timeout = "30s"'),
        ("docker", "image", 'base = "slim"'),
        ("docker", "rollout", 'stop_timeout = "40s"'),
        ("docker", "resources", 'memory = "512MiB"'),
        ("docker", "security", 'trusted_hosts = ["shop.example.com"]'),
        ("docker", "database", "pool_size = 20"),  # the sum is not the plan's before both are
        ("docker", "serve", 'workers = "many"'),  # which is gunwale plan's to refuse
        ("kubernetes", "health", 'readiness_path = "/ready"\nliveness_path = "/alive"'),
    ],
)
def test_what_agrees_or_is_not_given_is_no_disagreement(
    tmp_path: Path, platform: str, section: str, line: str
) -> None:
    assert _disagreements(tmp_path, platform, section, line) == []


def test_a_factorys_arguments_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: gunicorn \"shop:create_app('hunter2')\"\n")
    (tmp_path / "gunwale.toml").write_text('app = "shop:create_app()"\n')
    (found,) = disagreements(Project(tmp_path))

    assert found.here == "shop:create_app(…)"
