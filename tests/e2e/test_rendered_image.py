"""The rendered image, built and run: hardened, healthy, stopped under load, and with nothing else in it."""

from __future__ import annotations

import json
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from e2e.containers import HARDENED, UID, a_container
from e2e.images import official_python
from gunwale.cli import main
from gunwale.measure.load import Ask, LoadProcess, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.engine import Engine
    from e2e.images import Python

pytestmark = pytest.mark.docker

PORT = 8000
HOST = "shop.example"
APPLICATION = """\
import os
import time

from flask import Flask

from gunwale import Gunwale

app = Flask(__name__)
app.config.update(SECRET_KEY=os.environ["SECRET_KEY"], TRUSTED_HOSTS=os.environ["HOSTS"].split(","))
Gunwale(app)


@app.get("/")
def index():
    return "ok"


@app.get("/slow")
def slow():
    time.sleep(0.3)
    return "ok"
"""
# What lies in a project and must not be in any layer, at the root and below it.
LITTER = (
    *(".env", ".env.production", ".git/config", "instance/shop.sqlite", "tests/test_shop.py", "conftest.py"),
    *("__pycache__/app.cpython-311.pyc", "key.pem", "test_views.py", ".venv/pyvenv.cfg"),
)
SECRET = "never-to-be-baked-in"
COMPILERS = frozenset(["as", "c++", "cc", "clang", "cpp", "g++", "gcc", "ld", "make", "rustc"])
# The image's own user, where containers.HARDENED names one.
OPTIONS = (*HARDENED[: HARDENED.index("--user")], "--env", f"SECRET_KEY={SECRET}", "--env")
HEALTHY_SECONDS = 60.0
MIX = (Ask(path="/", weight=8), Ask(path="/slow", weight=2))


@pytest.fixture(scope="module")
def python(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Python]:
    """Put a Python with the locked wheels in the place of the official image."""
    with official_python(engine, tmp_path_factory.mktemp("python")) as python:
        yield python


@pytest.fixture(scope="module", params=["gunwale", "gunicorn"])
def image(
    request: pytest.FixtureRequest, engine: Engine, python: Python, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Render a littered project for Docker, build what was rendered, and give its tag."""
    project = tmp_path_factory.mktemp("project")
    (project / "app.py").write_text(APPLICATION)
    (project / "requirements.txt").write_text("flask\ngunicorn\ngunwale\n")
    plan = f'name = "shop"\nimage.python = "{python.version}"\nimage.base = "{python.base}"\n'
    plan += 'serve.worker_class = "gthread"\nresources.cpu = 1\n'
    plan += f'security.trusted_hosts = ["{HOST}"]\nrollout.platform = "docker"\n'
    (project / "gunwale.toml").write_text(f'{plan}rollout.command = "{request.param}"\n')
    for folder in (project, project / "package" / "deeper"):
        for name in LITTER:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(SECRET)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        main(["render"], standalone_mode=False)
    tag = f"gunwale-test-rendered:{request.param}"
    # What a build is given, whether the Dockerfile asks for it or not: the second is known to every builder.
    given = [f"--build-arg=SECRET_KEY={SECRET}", f"--build-arg=HTTPS_PROXY=http://user:{SECRET}@127.0.0.1:9"]
    engine.run("build", "--quiet", *given, "--tag", tag, str(project))
    return tag


def _healthy(engine: Engine, name: str) -> str:
    """Return the health that Docker sees, once it has made up its mind."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        health = json.loads(engine.run("inspect", "--format", "{{json .State.Health}}", name))
        if health["Status"] != "starting":
            return f"{health['Status']} {health['Log'][-1]['Output']}".strip()
        time.sleep(0.2)
    return "starting"


def test_it_becomes_healthy_hardened_and_as_its_own_user(engine: Engine, image: str) -> None:
    with a_container(engine, image, options=(*OPTIONS, f"HOSTS={HOST}")) as container:
        assert _healthy(engine, container.name) == "healthy"
        assert engine.run("exec", container.name, "id", "-u").strip() == str(UID)
        configuration = json.loads(engine.run("inspect", "--format", "{{json .Config}}", image))

    assert configuration["StopSignal"] == "SIGTERM"
    assert configuration["User"] == f"{UID}:{UID}"


def test_no_layer_holds_litter_a_secret_or_a_compiler_and_it_is_small(
    engine: Engine, image: str, python: Python, tmp_path: Path
) -> None:
    base, ours = (json.loads(engine.run("inspect", tag))[0] for tag in (python.tag, image))
    added = set()
    for layer in _layers(engine, image, tmp_path)[len(base["RootFS"]["Layers"]) :]:
        assert SECRET.encode() not in layer.read_bytes()
        with tarfile.open(layer) as held:
            added |= set(held.getnames())
    project = {name for name in added if name.startswith("srv/")}

    assert {"srv/app.py", "srv/gunwale.toml", "srv/requirements.txt"} <= project
    assert not {name for name in project for part in LITTER if name.endswith(part) or f"{part}/" in name}
    assert not {name for name in added if name.rpartition("/")[2] in COMPILERS}
    assert SECRET not in engine.run("history", "--no-trunc", image) + json.dumps(ours["Config"])
    venv = int(engine.run("run", "--rm", image, "du", "-sb", "/opt/venv").split()[0])
    assert ours["Size"] <= 1.15 * (base["Size"] + venv)


def _layers(engine: Engine, image: str, folder: Path) -> list[Path]:
    """Return the layers of *image* as files, the base's first."""
    archive = folder / "image.tar"
    engine.run("save", "--output", str(archive), image)
    with tarfile.open(archive) as held:
        held.extractall(folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    return [folder / each for each in manifest[0]["Layers"]]


@pytest.mark.parametrize("image", ["gunwale"], indirect=True)
def test_docker_stop_in_mid_load_loses_no_request(engine: Engine, image: str) -> None:
    # The load calls the container by its address, which is known only when it runs.
    gateway = engine.run("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    hosts = ",".join(f"{gateway.strip().rpartition('.')[0]}.{number}" for number in range(2, 255))
    with a_container(engine, image, options=(*OPTIONS, f"HOSTS={hosts}")) as container:
        container.wait_until_listening(PORT)
        profile = Profile(
            target=f"http://{container.address}:{PORT}",
            rate=30.0,
            mix=MIX,
            keepalive_clients=8,
            connect_timeout=5,
        )
        with LoadProcess(profile) as load:
            time.sleep(2)  # what the load is: two seconds of it before the signal
            load.burst(60)
            stopped = time.monotonic()
            status = container.stop(40)  # the plan's stop_timeout for Docker
            result = load.stop(grace=6)

    assert result.failed_before(stopped) == ()
    assert result.in_flight_at(stopped)
    assert result.lost_in_flight_at(stopped) == ()
    assert result.broken_after(stopped) == ()
    assert status == 0
