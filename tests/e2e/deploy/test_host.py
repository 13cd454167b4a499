"""A site on this machine: versions come and go under load, and no request fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from e2e.deploy.bed import PLAN, Clients, numbered
from gunwale.deploy import keeper
from gunwale.deploy.detached import Detached
from live import wait_until
from served import UNPRIVILEGED, as_user

if TYPE_CHECKING:
    from e2e.deploy.bed import Bed

pytestmark = pytest.mark.slow


def test_deploys_and_rollback_under_load_fail_no_request(site: Bed) -> None:
    two = PLAN + "tasks = 2\nsurge = 2\n"
    site.up(site.release("r1", plan=two))
    with Clients(site.port) as clients:
        wait_until(lambda: "r1" in clients.answers, 10, "clients are answered")
        deployed = site.run("deploy", release=site.release("r2", plan=two))
        assert deployed.returncode == 0, deployed.stderr
        assert f"v2 is live at http://127.0.0.1:{site.port}" in deployed.stdout
        wait_until(lambda: clients.answers[-1] == "r2", 10, "the new version answers")
        back = site.run("rollback")
        assert back.returncode == 0, back.stderr
        wait_until(lambda: clients.answers[-1] == "r1", 10, "the first version answers again")
        again = site.run("rollback")
    assert not clients.failures
    assert len(clients.answers) > 100
    assert again.returncode == 2
    assert "there is no release before it" in again.stderr

    found = site.status()
    assert (found["live"], [task["task"] for task in found["tasks"]]) == ("v3", ["v3.1", "v3.2"])
    assert site.run("down").returncode == 0
    assert not site.processes()


# The way back of each is the same; what must be seen is the reason, and that the old version never stopped.
BROKEN = {
    "import error": ("import nothing_of_this_name", "", "No module named 'nothing_of_this_name'"),
    "never ready": (
        "def refuse():\n    raise RuntimeError('the database is not there')",
        '\n[health]\nchecks = ["app:refuse"]\ninterval = "200ms"\n',
        "not ready within 3 s: /ready answers 503",
    ),
    "crash after ready": (
        "threading.Timer(1.0, os._exit, (9,)).start()",
        "",
        "ready",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_deploy_ends_with_its_reason_and_the_old_version_serves_on(site: Bed, broken: str) -> None:
    more, plan, reason = BROKEN[broken]
    site.up(site.release("r1"))
    before = site.serving()
    text = (site.folder / "r1/gunwale.toml").read_text()
    short = text.replace("ready_timeout = 20", "ready_timeout = 3\nbake_time = 6")
    with Clients(site.port) as clients:
        done = site.run("deploy", release=site.release("r2", more, short + plan))
    assert done.returncode == 1
    assert reason in done.stderr
    assert "its last log lines:" in done.stderr
    assert "v1 serves on, it never stopped" in done.stderr
    assert site.serving() == before
    if broken != "crash after ready":
        # That one had traffic when it died: what it had in hand is lost, whoever deploys it.
        assert not clients.failures
        assert set(clients.answers) == {"r1"}


# The state is written before each of these; the other events lie between them.
STEPS = ("task-started", "step shift", "task-shifted", "signalled", "roll-succeeded")
ALL_STEPS = (
    "roll-started",
    "step start",
    "step ready",
    "task-ready",
    "target-removed",
    "step drain",
    "task-stopped",
    *STEPS,
)


@pytest.mark.parametrize(
    "steps", [STEPS, pytest.param(ALL_STEPS, marks=pytest.mark.soak)], ids=["most", "all"]
)
@pytest.mark.timeout(300)
def test_kill_of_gunwale_at_each_step_leaves_a_site_that_serves_and_goes_on(
    site: Bed, steps: tuple[str, ...]
) -> None:
    site.up(site.release("r1"))
    releases = numbered(site)
    with Clients(site.port) as clients:
        for step in steps:
            # Each of these is also the deploy that goes on from where the last one was killed.
            site.killed_at(step, next(releases))
            clients.wait_for(20, f"it serves after a kill at {step}")
        back = site.run("rollback")
        assert back.returncode == 0, back.stdout + back.stderr
        last = next(releases)
        done = site.run("deploy", release=last)
        assert done.returncode == 0, done.stdout + done.stderr
        wait_until(lambda: clients.answers[-1] == last.name, 10, "the last version answers")
    assert not clients.failures
    found = site.status()
    assert (found["cut_short"], len(found["tasks"])) == (None, 1)


def test_kill_of_the_first_up_leaves_what_the_next_up_clears_away(site: Bed) -> None:
    site.killed_at("task-ready", site.release("r1"), is_up=True)
    site.up(site.release("r1"))
    assert site.get() == "r1"
    assert len(site.serving()) == 1


def test_site_survives_the_kill_of_each_of_its_processes(site: Bed) -> None:
    site.up(site.release("r1", plan=PLAN + "tasks = 2\n"))
    found = site.status()
    kept = keeper.process(site.paths)
    assert kept is not None

    with Clients(site.port) as clients:
        # The keeper: nobody notices, and the next verb starts another.
        kept.send(signal.SIGKILL)
        kept.wait_end(5)
        clients.wait_for(20, "it serves without its keeper")
    assert not clients.failures
    assert site.run("up", release=site.folder / "r1").returncode == 0
    wait_until(lambda: keeper.process(site.paths), 10, "there is a keeper again")

    # A task: what it had in hand is lost, new requests wait or go to the other one.
    (first, pid), *_ = site.serving().items()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    for _ in range(50):
        assert site.get() == "r1"
    wait_until(lambda: site.serving().get(first) not in {None, pid}, 15, "the task is there again")

    # Caddy: back by its keeper.
    process = Detached.of(found["caddy"])
    assert process is not None
    process.send(signal.SIGKILL)
    wait_until(lambda: site.status()["caddy"] not in {None, found["caddy"]}, 15, "Caddy is there again")
    assert site.get() == "r1"
    wait_until(lambda: all(task["ready"] for task in site.status()["tasks"]), 15, "all is well again")

    # What systemd is told to start takes the keeper's place, and ends with the site.
    before, tasks = keeper.process(site.paths), site.serving()
    (unit,) = site.paths.root.glob("*.service")
    (start,) = (line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    with subprocess.Popen(start.removeprefix("ExecStart=").split()) as started:
        wait_until(
            lambda: keeper.process(site.paths) == Detached.of(started.pid), 10, "the unit's is the keeper"
        )
        assert before is not None
        assert not before.is_alive
        assert site.serving() == tasks
        assert site.run("down").returncode == 0
        assert started.wait(10) == -signal.SIGTERM


def test_first_up_that_fails_leaves_nothing_running(site: Bed) -> None:
    done = site.run("up", release=site.release("r1", "import nothing_of_this_name"))
    assert done.returncode == 1
    assert "No module named 'nothing_of_this_name'" in done.stderr
    assert "nothing is left running" in done.stderr
    assert not site.processes()

    with socket.create_server(("127.0.0.1", site.port)):
        done = site.run("up", release=site.release("r2"))
    assert done.returncode == 3
    assert f"{site.listen}: Caddy did not start" in done.stderr
    assert "address already in use" in done.stderr
    assert not site.processes()

    done = site.run("deploy", release=site.release("r2"))
    assert (done.returncode, "no site is up here" in done.stderr) == (2, True)


@pytest.mark.root
def test_user_of_its_own_needs_no_privilege(site: Bed) -> None:
    site.release("r1")
    for path in (site.folder, *site.folder.rglob("*")):
        os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
    for verb in ("up", "deploy", "down"):
        words, packages = as_user(site.argv(verb, release=site.folder / "r1" if verb != "down" else None))
        done = subprocess.run(
            words,
            cwd=site.folder,
            env={"PATH": os.defpath, **packages},
            user=UNPRIVILEGED,
            group=UNPRIVILEGED,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if verb != "down":
            assert site.get() == "r1"
            assert {os.stat(f"/proc/{pid}").st_uid for pid in site.processes()} == {UNPRIVILEGED}  # noqa: PTH116
    assert not site.processes()


def test_second_deploy_at_once_is_refused_and_ctrl_c_goes_back(site: Bed) -> None:
    site.up(site.release("r1"))
    before = site.serving()
    slow = site.release("r2", "time.sleep(5)")
    with Clients(site.port) as clients:
        first = subprocess.Popen(
            site.argv("deploy", release=slow), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: any(e.task == "v2.1" for e in site.told()), 10, "the first deploy is going on")
        second = site.run("deploy", release=site.release("r3"))
        assert second.returncode == 1
        assert f"another roll-out is going on: gunwale deploy, pid {first.pid}" in second.stderr
        assert site.status()["rolling"] == "v2"
        began = time.monotonic()
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=30)
    assert first.returncode == 1
    assert "stopped by SIGINT" in said
    assert "v1 serves on, it never stopped" in said
    assert time.monotonic() - began < 15
    assert not clients.failures
    assert site.serving() == before
    assert site.run("deploy", release=site.release("r3")).returncode == 0
    assert site.get() == "r3"


def test_commands_of_a_roll_out_run_once_each_and_can_refuse_it(site: Bed) -> None:
    note = "echo {} $RELEASE >> ../said"
    hooks = "\n".join(
        f'{name} = "{note.format(name)}"'
        for name in ("before_command", "release_command", "after_command", "failure_command")
    )
    plan = site.release("r1").joinpath("gunwale.toml").read_text() + hooks + "\n"
    site.up(site.release("r1", plan=plan))
    refused = plan.replace(note.format("release_command"), "echo no such table; exit 4")
    done = site.run("deploy", release=site.release("r2", plan=refused))
    assert done.returncode == 1
    assert "release_command (echo no such table; exit 4) ended with exit code 4" in done.stderr
    assert "no such table" in done.stderr
    assert (site.folder / "said").read_text().splitlines() == [
        "before_command v1",
        "release_command v1",
        "after_command v1",
        "before_command v2",
        "failure_command v2",
    ]
    assert site.get() == "r1"
