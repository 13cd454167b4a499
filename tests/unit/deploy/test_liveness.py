"""Which task is ended for being wedged: asked over a real socket, ended by nobody here."""

from __future__ import annotations

import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy.detached import Detached
from gunwale.deploy.liveness import FAILURES, Liveness
from gunwale.deploy.state import Paths, Release, Role, Site, TaskState

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

RELEASE = Release(name="v1", directory="/p", python="python", interval=1e-6, timeout=1.0)


class Admin(ThreadingMixIn, UnixStreamServer):
    """An admin port that says what *says* has of a path; what it has not, it never answers."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.says = {"/health": 200, "/ready": 200}
        super().__init__(str(path), Answering)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        return self.socket.accept()[0], ("unix", 0)


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        says: dict[str, int] = self.server.says  # type: ignore[attr-defined]
        self.send_response(says[self.path])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


class Bed:
    """Tasks that are this very process, each with an admin port of its own."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder)
        self.paths.make()
        self.site = Site(name="s", project="/p", releases={"v1": RELEASE})
        self.liveness = Liveness(self.paths)
        self.admins: dict[str, Admin] = {}

    def task(self, name: str, *, answers: bool = True) -> TaskState:
        me = Detached.of(os.getpid())
        assert me is not None
        made = TaskState(name=name, release="v1", role=Role.SERVING, pid=me.pid, ticks=me.ticks)
        self.site.tasks[name] = made
        if answers:
            self.admins[name] = Admin(self.paths.admin(name))
        return made

    def ask(self, task: TaskState, times: int = FAILURES, release: Release = RELEASE) -> list[bool | None]:
        return [self.liveness.ask(task, release) for _ in range(times)]


@pytest.fixture
def bed() -> Iterator[Bed]:
    # Not tmp_path: a Unix socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        made = Bed(Path(folder))
        yield made
        for admin in made.admins.values():
            admin.shutdown()
            admin.server_close()


def test_task_that_fails_its_liveness_several_times_in_a_row_is_wedged(bed: Bed) -> None:
    task = bed.task("v1.1")
    assert bed.ask(task) == [True, True, True]
    bed.admins["v1.1"].says["/health"] = 503
    assert bed.ask(task, FAILURES - 1) == [False, False]
    assert bed.liveness.wedged(bed.site) is None

    bed.ask(task, 1)
    assert bed.liveness.wedged(bed.site) == (task, "alive, but /health answered 503, 3 times in a row")


def test_one_good_answer_in_between_is_enough(bed: Bed) -> None:
    task = bed.task("v1.1")
    for status in (200, 503, 503, 200, 503, 503):
        bed.admins["v1.1"].says["/health"] = status
        bed.ask(task, 1)
    assert bed.liveness.wedged(bed.site) is None


def test_task_that_is_only_not_ready_is_left_alone(bed: Bed) -> None:
    task = bed.task("v1.1")
    bed.admins["v1.1"].says["/ready"] = 503
    assert bed.ask(task, 10) == [False] * 10
    assert bed.liveness.wedged(bed.site) is None


def test_task_that_boots_may_take_its_ready_timeout(bed: Bed) -> None:
    task = bed.task("v1.1", answers=False)
    task.is_out = True
    assert bed.ask(task, 10) == [False] * 10
    assert bed.liveness.wedged(bed.site) is None

    never = Release(name="v1", directory="/p", python="python", interval=1e-6, timeout=1.0, ready_timeout=0.0)
    bed.ask(task, FAILURES, never)
    assert bed.liveness.wedged(bed.site) == (task, "alive, but /health did not answer, 3 times in a row")


def test_process_that_came_in_its_place_begins_anew(bed: Bed) -> None:
    task = bed.task("v1.1")
    bed.ask(task, 1)
    bed.admins["v1.1"].says["/health"] = 503
    bed.ask(task)
    parent = Detached.of(os.getppid())
    assert parent is not None
    task.pid, task.ticks = parent.pid, parent.ticks
    assert bed.liveness.wedged(bed.site) is None
    bed.ask(task)
    assert bed.liveness.wedged(bed.site) is None


def test_task_is_asked_once_an_interval_and_always_while_it_is_out(bed: Bed) -> None:
    patient = Release(name="v1", directory="/p", python="python", interval=60.0)
    task = bed.task("v1.1")
    assert bed.ask(task, 3, patient) == [True, None, None]
    task.is_out = True
    assert bed.ask(task, 3, patient) == [True, True, True]
    bed.admins["v1.1"].says["/health"] = 503
    # Failures are an interval apart, also of a task that is out.
    assert bed.ask(task, 3, patient) == [False, None, None]
