"""What a release is started with, and what the front in front of it is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy import launch, operate, told
from gunwale.deploy.caddy_config import Site as Front
from gunwale.deploy.caddy_config import config
from gunwale.deploy.state import Paths, Role, Site, TaskState
from gunwale.deploy.unit import text as unit
from gunwale.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.deploy.launch import Wanted

APP = "from flask import Flask\napp = Flask(__name__)\n"


def wanted(folder: Path, plan: str = "", app: str = APP, **given: object) -> Wanted:
    (folder / "app.py").write_text(app)
    (folder / "gunwale.toml").write_text(plan)
    return launch.Wanted(directory=folder, allow_root=True, environ={}, **given)  # type: ignore[arg-type]


def test_undeclared_chain_is_the_caddy_that_stands_there(tmp_path: Path) -> None:
    plan, sets = launch.read_plan(wanted(tmp_path))
    assert plan.proxies.chain == ("caddy",)
    assert sets == ("rollout.platform=host", 'proxies.chain=["caddy"]')


def test_application_with_its_own_proxy_fix_counts_itself(tmp_path: Path) -> None:
    app = APP + "from werkzeug.middleware.proxy_fix import ProxyFix\napp.wsgi_app = ProxyFix(app.wsgi_app)\n"
    plan, sets = launch.read_plan(wanted(tmp_path, app=app))
    assert plan.proxies.chain == ()
    assert sets == ("rollout.platform=host",)


def test_client_s_own_fields_are_dropped_at_the_edge(tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    plan, _ = launch.read_plan(asked)
    front = launch.front(asked, plan, None)
    assert set(front.fields.values()) == {None}
    assert {"X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X-Request-ID"} <= set(front.fields)
    assert front.listen == "127.0.0.1:8000"
    assert front.idle_timeout < plan.serve.keepalive


@pytest.mark.parametrize("chain", ['["nginx"]', '["caddy-trusted"]', '["caddy", "nginx-overwrite"]'])
def test_chain_that_does_not_end_with_our_caddy_is_refused(tmp_path: Path, chain: str) -> None:
    asked = wanted(tmp_path, f"[proxies]\nchain = {chain}\n")
    plan, _ = launch.read_plan(asked)
    with pytest.raises(ConfigurationError, match="the chain ends with"):
        launch.front(asked, plan, None)


def test_deploy_keeps_where_clients_ask(tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    plan, _ = launch.read_plan(asked)
    known = Front(listen="127.0.0.1:9999", names=("www.example.com",), issuer="internal")
    front = launch.front(asked, plan, known)
    assert (front.listen, front.names, front.issuer) == (known.listen, known.names, "internal")


def test_public_name_has_https(tmp_path: Path) -> None:
    asked = wanted(tmp_path, domains=("www.example.com",))
    plan, _ = launch.read_plan(asked)
    front = launch.front(asked, plan, None)
    assert front.listen == ":443"
    apps = config(front, tmp_path)["apps"]
    assert apps["tls"]["automation"]["policies"] == [
        {"subjects": ["www.example.com"], "issuers": [{"module": "acme"}]}
    ]
    assert "automatic_https" not in apps["http"]["servers"]["site"]


def test_root_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ConfigurationError, match="would run as root"):
        launch.read_plan(launch.Wanted(directory=wanted(tmp_path).directory, environ={}))


def test_release_is_made_again_from_what_was_kept(tmp_path: Path) -> None:
    asked = wanted(tmp_path, app=APP, sets=("serve.threads=3",), env_file=tmp_path / "env")
    plan, sets = launch.read_plan(asked)
    release = launch.release(asked, plan, sets, "v7", "2026-11-28T00:00:00+00:00")
    assert launch.Wanted.again(release, {}, allow_root=True) == asked
    assert not launch.Wanted.again(release, {}, allow_root=False).allow_root
    assert release.arguments[0] == "serve"
    assert release.arguments[-3:] == ("--env-file", str(tmp_path / "env"), "--allow-root")


def test_environment_has_the_release_s_programs_and_nothing_of_ours(tmp_path: Path) -> None:
    asked = wanted(tmp_path)
    plan, sets = launch.read_plan(asked)
    release = launch.release(asked, plan, sets, "v1", "")
    given = {"PATH": "/bin", "KEY": "value", "NOTIFY_SOCKET": "/n", "LISTEN_FDS": "1", launch.MARK: "another"}
    found = launch.environ(release, given)
    assert found == {"PATH": f"{os.path.dirname(release.python)}:/bin", "KEY": "value"}  # noqa: PTH120


def test_dry_run_says_each_step_with_its_number(tmp_path: Path) -> None:
    numbers = "tasks = 4\nsurge = 2\nbake_time = 3\nready_timeout = 9\n"
    plan = f'[rollout]\n{numbers}release_command = "flask db upgrade"\n'
    site = Site(name="s", project="/p")
    for n in range(1, 5):
        site.tasks[f"v1.{n}"] = TaskState(name=f"v1.{n}", release="v1", role=Role.SERVING)
    lines = list(told.steps(operate.prepare(wanted(tmp_path, plan), None), site))
    stop = "SIGTERM, lame duck 0 s, drain at most 57 s; SIGKILL after 60 s"
    drain = f"6. drain: until nothing is in flight, at most 30 s; {stop}"
    assert lines[1:] == [
        "1. release_command, once: flask db upgrade",
        "2. start 4 tasks, 2 at once (surge 2, at least 4 serve)",
        "3. wait at most 9 s until each is ready, by itself and through the proxy",
        "4. shift the traffic to v1, off v1.1, v1.2, v1.3, v1.4",
        "5. look at v1 for 3 s while the old tasks stay",
        drain,
        "a step that fails: the old tasks get the traffic back, v1 is stopped, exit 1",
        "server gunicorn sync, front 127.0.0.1:8000",
    ]


def test_unit_starts_the_keeper_and_spares_the_tasks(tmp_path: Path) -> None:
    site = Site(name="shop", project="/p", front={"listen": ":443", "names": ["a"]})
    lines = unit(Paths(tmp_path), site, 60.0).splitlines()
    assert any(
        line.startswith("ExecStart=") and line.endswith(f"gunwale.deploy.keeper {tmp_path} --take-over")
        for line in lines
    )
    # Where its keeper ended by itself, systemd has no main process to tell of, and nothing is stopped.
    assert any(
        line.startswith("ExecStop=") and line.endswith(f"gunwale.deploy.halt {tmp_path} $MAINPID")
        for line in lines
    )
    assert {"KillMode=process", "Restart=on-failure", "TimeoutStopSec=120"} <= set(lines)
