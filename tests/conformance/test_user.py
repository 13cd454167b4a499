"""``--user NAME``: started as root, served as somebody else."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from served import UNPRIVILEGED, Served, as_user, command
from wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root

WHO = """
import json, os
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    ids = [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups(), os.environ["HOME"]]
    return [json.dumps(ids).encode()]
"""
NOBODY = pwd.getpwuid(UNPRIVILEGED)
ADDRESSES = ("--bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0")


@pytest.fixture
def who(project: Path) -> Path:
    (project / "who.py").write_text(WHO)
    return project


def run(words: list[str], folder: Path, *in_front: str) -> subprocess.CompletedProcess[str]:
    own, path = as_user(words)
    return subprocess.run(
        [*in_front, *own],
        cwd=folder,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def served(who: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    words, path = as_user(request.param)
    with Served(words, log=tmp_path / "log", cwd=who, env={"PORT": None, **path}) as running:
        yield running


@pytest.mark.parametrize(
    "served",
    [
        command("--user", NOBODY.pw_name, *ADDRESSES, app="who:application"),
        command("--user", str(UNPRIVILEGED), *ADDRESSES, app="who:application"),
        wrapped(["gunicorn", "-u", NOBODY.pw_name, "-b", "127.0.0.1:0", "who:application"]),
        wrapped(["gunicorn", "-b", "127.0.0.1:0", "who:application"], "--user", NOBODY.pw_name),
    ],
    indirect=True,
    ids=["name", "number", "of the command", "before the command"],
)
def test_supervisor_and_workers_run_as_the_user_with_its_groups_and_home(served: Served) -> None:
    answer = json.loads(served.get().text)
    groups = os.getgrouplist(NOBODY.pw_name, NOBODY.pw_gid)
    status = Path(f"/proc/{served.pid}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:"))

    assert uids.split()[1:] == [str(UNPRIVILEGED)] * 4
    assert answer[:4] == [UNPRIVILEGED, UNPRIVILEGED, NOBODY.pw_gid, NOBODY.pw_gid]
    assert sorted(answer[4]) == sorted(groups)
    assert answer[5] == NOBODY.pw_dir


def test_an_unknown_user_is_refused(who: Path) -> None:
    done = run(command("--user", "no-such-user", *ADDRESSES, app="who:application"), who)

    assert "gunwale: --user no-such-user: there is no such user" in done.stderr
    assert done.returncode == 2


def test_who_is_not_root_cannot_become_another(who: Path) -> None:
    words, path = as_user(command("--user", "daemon", *ADDRESSES, app="who:application"))
    done = subprocess.run(
        words,
        cwd=who,
        env={**os.environ, **path},
        user=UNPRIVILEGED,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert f"only root can become another user, and this is uid {UNPRIVILEGED}" in done.stderr
    assert done.returncode == 2


def test_the_user_that_one_is_already_needs_nothing(who: Path) -> None:
    done = run(command("--user", "root", *ADDRESSES, app="who:application"), who)

    assert "serve does not run as root" in done.stderr
    assert done.returncode == 2


def test_a_port_that_needs_privilege_is_refused_with_what_to_do(who: Path) -> None:
    words = command(
        "--user", NOBODY.pw_name, "--bind", "0.0.0.0:80", "--admin-bind", "off", app="who:application"
    )
    # A network namespace of its own: containers let everybody bind port 80.
    done = run(words, who, "unshare", "--net")

    assert "serve.bind 0.0.0.0:80 (--bind): may not be bound by this user" in done.stderr
    assert "net.ipv4.ip_unprivileged_port_start" in done.stderr
    assert done.returncode == 2
