"""Every number in the files agrees with the plan, whatever it is; and the same plan gives the same bytes."""

from __future__ import annotations

import configparser
import json
import math
import os
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gunwale.check.run import Choice, audit
from gunwale.errors import ConfigurationError
from gunwale.plan import chain
from gunwale.plan.layers import LAYERS
from gunwale.plan.model import Severity
from gunwale.render import targets
from gunwale.render.deployment import Deployment, load_deployment
from gunwale.serve.servers import traits
from unit.render.test_ecs import Loader

if TYPE_CHECKING:
    from collections.abc import Callable

    Files = dict[str, str]

# AUDITS=1000 for once: an audit takes several times as long as a rendering.
EXAMPLES, AUDITS = 300, int(os.environ.get("AUDITS", "300"))
PATIENT = [HealthCheck.too_slow, HealthCheck.filter_too_much]
PLATFORMS = ("none", "host", "docker", "ecs", "kubernetes")
# What gunwale renders itself comes as often as all that it does not.
RENDERED = {"ecs": ("alb",), "kubernetes": ()}
FRONTS = ("nginx-overwrite", "nginx", "caddy")
APPLICATION = """\
import os

from flask import Flask

from gunwale import Gunwale

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SECRET_KEY"],
    SESSION_COOKIE_SECURE=True,
    TRUSTED_HOSTS=["shop.example", ".shop.example"],
)
Gunwale(app)
"""
POOLS = ("none", "pgbouncer")
# What check finds in rendered files because the plan says so, and the value whose warning says it too.
SAID = {
    "access-log-off": "serve.access_log",
    "keepalive-below-idle": "serve.keepalive",
    "no-capacity-in-rollout": "rollout.min_percent",
    "sync-worker-unbuffered": "serve.worker_class",
    "workers-unset": "serve.workers",
}


def chains(platform: str) -> st.SearchStrategy[str]:
    """Draw a chain: any known layers, and mostly a last one whose configuration is rendered."""
    before = st.lists(st.sampled_from(sorted(LAYERS)), max_size=2)
    ours = RENDERED.get(platform, FRONTS)
    if not ours:
        return before.map(repr)
    last = st.builds(
        "{{name={!r}, tls={}{}}}".format,
        st.sampled_from(ours),
        st.sampled_from(["true", "true", "false"]),
        st.sampled_from(["", ", idle_timeout='40s'"]),
    )
    known = st.builds("[{}{}]".format, st.sampled_from(["", "", *(f"'{each}', " for each in LAYERS)]), last)
    return st.one_of(before.map(repr), known, known, known)


@st.composite
def plans(draw: st.DrawFn) -> list[str]:
    """Draw the lines of a plan; whether it is a valid one is the loader's to say."""
    platform = draw(st.sampled_from(PLATFORMS))
    server = draw(st.sampled_from(["gunicorn", "gunicorn", "waitress"]))
    fixed: dict[str, object] = {
        "rollout.platform": platform,
        "serve.server": server,
        "proxies.chain": draw(chains(platform)),
        "security.trusted_hosts": "['shop.example', '.shop.example']",
        "environment.secrets": "{KEY = 'arn:aws:ssm:eu-west-1:1:parameter/key', FILE = './file'}",
    }
    optional: dict[str, st.SearchStrategy[object]] = {
        "serve.workers": st.integers(1, 64) if server == "gunicorn" else st.just(1),
        "serve.worker_class": st.sampled_from(list(traits()[server].worker_classes)),
        "serve.threads": st.integers(1, 16),
        "serve.request_timeout": st.integers(1, 90),
        "serve.keepalive": st.integers(1, 200),
        "serve.max_requests": st.integers(0, 10_000),
        "serve.access_log": st.sampled_from(["json", "off"]),
        "serve.backlog": st.integers(1, 4096),
        "health.interval": st.floats(0.5, 400).map(lambda each: round(each, 2)),
        "health.timeout": st.floats(0.5, 90).map(lambda each: round(each, 2)),
        "resources.cpu": st.sampled_from([0.25, 0.5, 1, 2, 4, 1.5]),
        "resources.memory": st.sampled_from(["512MiB", "1GiB", "2GiB", "4GiB"]),
        "database.max_connections": st.integers(1, 500),
        "database.others": st.integers(0, 20),
        "database.pooler": st.sampled_from(POOLS),
        "rollout.command": st.sampled_from(["gunwale", "gunicorn"]),
        "rollout.tasks": st.integers(1, 9),
        "rollout.max_tasks": st.integers(1, 12),
        "rollout.min_percent": st.integers(0, 100),
        "rollout.stop_timeout": st.integers(5, 150),
        "rollout.ready_timeout": st.integers(1, 400),
        "rollout.deregistration_delay": st.integers(0, 600),
        "rollout.release_command": st.sampled_from(["flask db upgrade", "sh -c 'echo $HOME \"%n\"'"]),
        "rollout.processes": st.just("{worker = 'celery -A shop worker --concurrency 4'}"),
        "image.uid": st.integers(1, 65533),
        "image.cache_mounts": st.booleans(),
    }
    chosen = draw(st.fixed_dictionaries({}, optional=optional))
    return ["name = 'shop'", *(f"{key} = {_toml(str(value))}" for key, value in {**fixed, **chosen}.items())]


def _toml(text: str) -> str:
    """Quote what is no value of TOML by itself."""
    try:
        tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text.lower() if text in ("True", "False") else json.dumps(text)
    return text


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that every target can be rendered for."""
    found = tmp_path_factory.mktemp("project")
    (found / "app.py").write_text(APPLICATION)
    (found / "requirements.txt").write_text("gunwale==0.1\ngunicorn==27.0.1\n")
    return found


def _render(deployment: Deployment) -> Files:
    """Render every target that can be; what a plan does not tell one of them is refused, not guessed."""
    found: Files = {}
    for name in targets.discover():
        try:
            found |= {each.path: each.body for each in targets.render(targets.named([name]), deployment)}
        except ConfigurationError:
            continue
    return found


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=PATIENT,
)
@given(lines=plans())
def test_every_number_agrees_with_the_plan(directory: Path, lines: list[str]) -> None:
    deployment = _load(directory, lines)
    files = _render(deployment)

    assert _render(_load(directory, lines)) == files
    assert ("gunicorn.conf.py" in files) == (deployment.plan.serve.server == "gunicorn")
    for path, text in files.items():
        _AGREES[path](deployment, text)
        assert "%!" not in text
        assert not re.search(r"\bNone\b", text) or path == "gunicorn.conf.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(
    max_examples=AUDITS,
    deadline=None,
    derandomize=True,
    suppress_health_check=PATIENT,
)
@given(lines=plans())
def test_gunwales_own_audit_finds_what_the_plan_warns_of_and_nothing_else(
    directory: Path, lines: list[str]
) -> None:
    deployment = _load(directory, lines)
    warned = {each.key for each in deployment.plan.problems if each.severity is Severity.WARNING}
    files = _render(deployment)
    with tempfile.TemporaryDirectory() as folder:
        project = shutil.copytree(directory, Path(folder) / "project")
        # An application that answered other hosts than its plan names would be told so.
        hosts = repr(list(deployment.plan.security.trusted_hosts or ["shop.example"]))
        (project / "app.py").write_text(APPLICATION.replace('["shop.example"]', hosts))
        for path, text in files.items():
            (project / path).parent.mkdir(exist_ok=True)
            (project / path).write_text(text)
        found = audit(project, Choice(is_strict=True)).findings

    unsaid = [each for each in found if SAID.get(each.rule) not in warned]
    assert [f"{each.finding.at}: {each.rule}: {each.finding.message}" for each in unsaid] == []


def _load(directory: Path, lines: list[str]) -> Deployment:
    (directory / "gunwale.toml").write_text("\n".join(lines))
    try:
        return load_deployment(directory, None, traits())
    except ConfigurationError:
        assume(False)
        raise


def _gunicorn(deployment: Deployment, text: str) -> None:
    serve = deployment.plan.serve
    found: dict[str, Any] = {}
    exec(compile(text, "gunicorn.conf.py", "exec"), found)

    assert found["workers"] == deployment.workers
    assert found["threads"] == serve.threads
    assert found["worker_class"] == serve.worker_class
    assert found["timeout"] == math.ceil(serve.request_timeout)
    assert found["graceful_timeout"] == max(1, math.ceil(serve.drain_timeout))
    if serve.worker_class == "sync" and serve.threads == 1:
        assert "keepalive" not in found  # such a worker keeps none
    else:
        assert found["keepalive"] == math.ceil(serve.keepalive)
    assert found["bind"] == list(serve.bind)
    assert found["max_requests"] == serve.max_requests
    assert (found["accesslog"] is None) == (serve.access_log == "off")


def _dockerfile(deployment: Deployment, text: str) -> None:
    plan = deployment.plan

    assert f"\nUSER {plan.image.uid}:{plan.image.uid}\n" in text
    assert f"--interval={plan.health.interval:.10g}s" in text
    assert f"--start-period={plan.rollout.ready_timeout:.10g}s" in text
    assert ("--mount=" in text) == plan.image.cache_mounts
    assert ('CMD ["gunwale", "serve"]' in text) == (plan.rollout.command == "gunwale")
    assert ("8001" in text) == (plan.rollout.command == "gunwale")


def _unit(deployment: Deployment, text: str) -> None:
    rollout, resources = deployment.plan.rollout, deployment.plan.resources

    assert f"\nTimeoutStopSec={rollout.stop_timeout:.10g}\n" in text
    assert f"\nTimeoutStartSec={rollout.ready_timeout:.10g}\n" in text
    assert (f"\nMemoryMax={resources.memory}\n" in text) == (resources.memory is not None)


def _other_unit(deployment: Deployment, text: str) -> None:
    assert f"\nTimeoutStopSec={deployment.plan.rollout.stop_timeout:.10g}\n" in text


def _socket(deployment: Deployment, text: str) -> None:
    assert f"\nBacklog={deployment.plan.serve.backlog}\n" in text


def _nginx(deployment: Deployment, text: str) -> None:
    layer = chain.layers(deployment.plan.proxies.chain)[-1]

    assert f"    keepalive_timeout {layer.idle_timeout:g}s;\n" in text
    assert f"    proxy_read_timeout {layer.response_timeout:g}s;\n" in text
    assert f"    client_max_body_size {layer.max_body};\n" in text
    assert ("ssl_certificate " in text) == bool(layer.tls)
    assert text.count("{") == text.count("}")


def _caddy(deployment: Deployment, text: str) -> None:
    layer = chain.layers(deployment.plan.proxies.chain)[-1]

    assert f"\tkeepalive {layer.idle_timeout:g}s\n" in text
    assert f"\tgrace_period {deployment.plan.serve.request_timeout:g}s\n" in text


def _compose(deployment: Deployment, text: str) -> None:
    plan = deployment.plan
    services = yaml.load(text, Loader)["services"]
    app = services["app"]

    assert app["stop_grace_period"] == f"{plan.rollout.stop_timeout:g}s"
    assert app["user"] == f"{plan.image.uid}:{plan.image.uid}"
    assert ("release" in services) == (plan.rollout.release_command is not None)
    assert ("pgbouncer" in services) == (plan.database.pooler == "pgbouncer")
    if plan.database.max_connections is not None:
        assert f"max_connections={plan.database.max_connections}" in services["db"]["command"]


def _pgbouncer(deployment: Deployment, text: str) -> None:
    database = deployment.plan.database
    parser = configparser.ConfigParser()
    parser.read_string(text)
    size = int(parser["pgbouncer"]["max_db_connections"])

    assert database.max_connections is not None
    assert size + database.others + database.reserved == database.max_connections


def _stack(deployment: Deployment, text: str) -> None:
    plan = deployment.plan
    resources = {
        name: each.get("Properties", {}) for name, each in yaml.load(text, Loader)["Resources"].items()
    }
    (container,) = resources["TaskDefinition"]["ContainerDefinitions"]
    target, service = resources["TargetGroup"], resources["Service"]

    assert container["StopTimeout"] == plan.rollout.stop_timeout
    assert plan.serve.lame_duck + plan.serve.drain_timeout + 3 <= container["StopTimeout"] <= 120
    assert service["DeploymentConfiguration"]["MinimumHealthyPercent"] == plan.rollout.min_percent
    assert 5 <= target["HealthCheckIntervalSeconds"] <= 300
    assert 2 <= target["HealthCheckTimeoutSeconds"] < target["HealthCheckIntervalSeconds"]
    assert 2 <= container["HealthCheck"]["Timeout"] <= 60
    assert container["User"] == f"{plan.image.uid}:{plan.image.uid}"
    assert ("ScalableTarget" in resources) == (plan.rollout.max_tasks is not None)


def _any(deployment: Deployment, text: str) -> None:
    assert text


_AGREES: dict[str, Callable[[Deployment, str], None]] = {
    "gunicorn.conf.py": _gunicorn,
    "Dockerfile": _dockerfile,
    ".dockerignore": _any,
    "Procfile": _any,
    "deploy/shop.service": _unit,
    "deploy/shop.socket": _socket,
    "deploy/shop-worker.service": _other_unit,
    "deploy/nginx.conf": _nginx,
    "deploy/Caddyfile": _caddy,
    "compose.yaml": _compose,
    "deploy/pgbouncer.ini": _pgbouncer,
    "deploy/stack.yaml": _stack,
}
