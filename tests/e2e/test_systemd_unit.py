"""The rendered unit under a real systemd, which is PID 1 of a container."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from e2e.images import built_wheel, wheelhouse
from e2e.machine import a_machine, booted, image, sh
from gunwale.cli import main
from gunwale.measure.load import Ask, LoadProcess, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.containers import Container
    from e2e.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.soak]

PORT = 8000
APPLICATION = """\
import os
import time

from flask import Flask

from gunwale import Gunwale

app = Flask(__name__)
Gunwale(app)


@app.get("/")
def index():
    return f"{os.getuid()} {os.environ['KEY']}"


@app.get("/slow")
def slow():
    time.sleep(0.3)
    return "ok"
"""
MIX = (Ask(path="/", weight=8), Ask(path="/slow", weight=2))


@pytest.fixture(scope="module")
def machine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A machine with the project in /srv/shop, its packages beside it, and the rendered units installed."""
    folder = tmp_path_factory.mktemp("machine")
    project = folder / "shop"
    project.mkdir()
    (project / "app.py").write_text(APPLICATION)
    (project / "gunwale.toml").write_text(
        'name = "shop"\napp = "app:app"\nserve.worker_class = "gthread"\nserve.workers = 2\n'
        f'serve.bind = ["0.0.0.0:{PORT}"]\nrollout.platform = "host"\nrollout.command = "gunwale"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        main(["render", "systemd"], standalone_mode=False)
    built_wheel(folder / "ours")
    with a_machine(engine) as container:
        for source, target in (
            (project, "/srv"),
            (wheelhouse(engine, image(engine)), "/wheels"),
            (folder / "ours", "/ours"),
        ):
            engine.run("cp", str(source), f"{container.name}:{target}")
        sh(
            container,
            "python3 -m venv /srv/shop/.venv && /srv/shop/.venv/bin/pip install -q --no-index "
            "--find-links /wheels --find-links /ours gunwale flask gunicorn",
        )
        sh(
            container,
            "cp /srv/shop/deploy/* /etc/systemd/system/ && echo KEY=from-etc > /etc/shop.env && "
            "chmod 600 /etc/shop.env",
        )
        booted(container)
        sh(container, "systemctl daemon-reload && systemctl start shop.service")
        yield container


def _show(container: Container, *names: str) -> dict[str, str]:
    said = sh(container, f"systemctl show shop.service {' '.join(f'-p {each}' for each in names)}")
    return dict(line.split("=", 1) for line in said.splitlines())


def test_it_is_active_as_a_user_of_its_own_with_its_environment(machine: Container) -> None:
    sh(machine, "systemctl start shop.service")
    shown = _show(machine, "ActiveState", "SubState", "Type", "NRestarts", "DynamicUser", "TimeoutStopUSec")

    assert shown["ActiveState"] == "active"
    assert shown["SubState"] == "running"
    assert (shown["Type"], shown["DynamicUser"], shown["TimeoutStopUSec"]) == ("notify", "yes", "1min")
    uid, key = sh(machine, f"curl -s http://127.0.0.1:{PORT}/").split()
    assert 61184 <= int(uid) <= 65519  # systemd's range of dynamic users
    assert key == "from-etc"


def test_systemds_own_judge_finds_the_service_well_enclosed(machine: Container) -> None:
    said = sh(machine, "systemd-analyze security shop.service --no-pager")
    exposure = re.search(r"Overall exposure level for shop.service: ([\d.]+) (\w+)", said)

    assert exposure is not None
    print(f"systemd-analyze security: {exposure[0]}")
    assert float(exposure[1]) < 3


def test_a_reload_and_a_stop_lose_no_request(machine: Container) -> None:
    sh(machine, "systemctl start shop.service")
    profile = Profile(
        target=f"http://{machine.address}:{PORT}", rate=20.0, mix=MIX, keepalive_clients=4, connect_timeout=5
    )
    with LoadProcess(profile) as load:
        time.sleep(1)  # what the load is, before anything happens to it
        sh(machine, "systemctl reload shop.service")
        time.sleep(1)
        load.burst(30)
        stopped = time.monotonic()
        sh(machine, "systemctl stop shop.service")
        result = load.stop(grace=6)
    shown = _show(machine, "ActiveState", "Result", "ExecMainStatus")

    assert (shown["ActiveState"], shown["Result"], shown["ExecMainStatus"]) == ("inactive", "success", "0")
    assert result.failed_before(stopped) == ()
    assert result.lost_in_flight_at(stopped) == ()
    assert result.broken_after(stopped) == ()
