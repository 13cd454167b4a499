"""The site's file, its lock, and processes that are known again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy import audit, detached, lock
from gunwale.deploy.caddy_config import Site as Front
from gunwale.deploy.state import Paths, Release, Role, Site, State, TaskState, folder
from gunwale.errors import ConfigurationError, GunwaleError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(Paths(tmp_path / "s"))
    made.create(Site(name="s", project="/p", front={"listen": ":80", "names": ["a"]}))
    return made


def test_what_is_written_is_read_back(state: State) -> None:
    with state.change() as site:
        site.releases["v1"] = Release(name="v1", directory="/p", python="python", arguments=("serve", "app"))
        site.tasks["v1.1"] = TaskState(name="v1.1", release="v1", role=Role.SERVING, pid=1, ticks=2)
        changed = site
    found = state.read()
    assert found == changed
    assert found.caddy == Front(listen=":80", names=("a",))
    assert (state.paths.root.stat().st_mode & 0o777) == 0o700


def test_change_that_fails_changes_nothing(state: State) -> None:
    def fail() -> None:
        with state.change() as site:
            site.is_up = True
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    found = state.read()
    assert found is not None
    assert not found.is_up
    assert not list(state.paths.root.glob("*.new"))


def test_file_of_another_version_is_refused(state: State) -> None:
    state.paths.state.write_text('{"version": 99}')
    with pytest.raises(ConfigurationError, match="of another version"):
        state.read()


def test_releases_are_never_named_twice() -> None:
    site = Site(name="s", project="/p")
    assert site.next_release() == "v1"
    site.releases = {name: Release(name=name, directory="/p", python="p") for name in ("v2", "v10")}
    assert site.next_release() == "v11"


def test_folder_of_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder("shop", tmp_path, {}) == tmp_path
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert str(folder("shop", None, {"HOME": "/u"})) == "/u/.local/state/gunwale/shop"
    assert str(folder("shop", None, {"HOME": "/u", "XDG_STATE_HOME": "/s"})) == "/s/gunwale/shop"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert str(folder("shop", None, {"HOME": "/root"})) == "/var/lib/gunwale/shop"


HOLD = """
import sys, time
from pathlib import Path
from gunwale.deploy import lock
with lock.hold(Path(sys.argv[1]), "deploy"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_names_its_holder_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    assert not lock.is_held(tmp_path)
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert lock.is_held(tmp_path)
        with (
            pytest.raises(GunwaleError, match=rf"gunwale deploy, pid {holder.pid}, since") as refused,
            lock.hold(tmp_path, "deploy"),
        ):
            pass
        assert refused.value.exit_code == 1
        holder.kill()
    assert not lock.is_held(tmp_path)
    with lock.hold(tmp_path, "rollback"):
        assert lock.is_held(tmp_path)


def test_process_is_known_by_its_beginning_too(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
    env = {**os.environ, "MARK_OF_A_TEST": str(tmp_path)}
    process = detached.start(argv, log=tmp_path / "log", cwd=tmp_path, env=env)
    other = detached.Detached(pid=process.pid, ticks=process.ticks - 1)
    assert process.is_alive
    assert not other.is_alive
    assert detached.Detached.of(process.pid) == process
    assert os.getsid(process.pid) == process.pid
    other.send(signal.SIGKILL)
    assert process.is_alive
    process.send(signal.SIGKILL)
    assert process.wait_end(10)
    assert process.exit_code == -signal.SIGKILL


def test_processes_are_found_by_their_mark(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
    env = {**os.environ, "MARK_OF_A_TEST": str(tmp_path)}
    process = detached.start(argv, log=tmp_path / "log", cwd=tmp_path, env=env)
    try:
        assert detached.marked("MARK_OF_A_TEST", str(tmp_path)) == [process]
        assert detached.marked("MARK_OF_A_TEST", f"{tmp_path}x") == []
    finally:
        process.send(signal.SIGKILL)
        assert process.wait_end(10)


def test_log_tail_begins_after_the_offset(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n" + "".join(f"line {n}\n" for n in range(30)))
    assert detached.log_tail(log, len("before\n")).splitlines() == [f"line {n}" for n in range(10, 30)]
    log.write_text("before\nafter\n")
    assert detached.log_tail(log, len("before\n")) == "after"
    assert detached.log_tail(tmp_path / "none") == ""


def test_audit_says_who_did_what(tmp_path: Path) -> None:
    audit.record(tmp_path / "audit", "deploy", release="v2", succeeded=True)
    audit.record(tmp_path / "audit", "down")
    first, second = audit.read(tmp_path / "audit")
    assert (first["verb"], first["release"], first["succeeded"]) == ("deploy", "v2", True)
    assert first["user"] == second["user"] != ""
