"""The balancers of a rehearsal, as they are: who gets the next request, who is counted, what is retried."""

from __future__ import annotations

import http.client
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from gunwale.deploy import front
from gunwale.deploy.balancers import envoy, haproxy, nginx
from gunwale.deploy.task import Task
from gunwale.errors import StartError
from gunwale.measure.process import OwnedProcess
from live import wait_until
from tiny_server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

FRONTS: dict[str, type[front.Front]] = {
    "nginx": nginx.Nginx,
    "haproxy": haproxy.HAProxy,
    "envoy": envoy.Envoy,
}
KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Upstream:
    """A task that keeps its connections, and answers what asks for /held when it is let go."""

    def __init__(self, name: str, folder: Path, *, unix: bool) -> None:
        listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        listener.bind(str(folder / f"{name}.sock") if unix else ("127.0.0.1", 0))
        listener.listen()
        bound = listener.getsockname()
        address = f"unix:{bound}" if unix else f"{bound[0]}:{bound[1]}"
        self.task = Task(name=name, release=name.partition(".")[0], address=address)
        self.let_go = threading.Event()
        self.asked: list[str] = []
        self.breaks = False
        self.server = Server(self.behave, listener)

    def behave(self, connection: socket.socket, _number: int) -> None:
        while head := connection.recv(65536):
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            if self.breaks:
                return
            if path == "/held":
                self.let_go.wait(20)
            connection.sendall(KEPT)


@pytest.fixture(params=FRONTS)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[front.Front]:
    found = FRONTS[request.param](tmp_path / "front", launch=OwnedProcess)
    found.start()
    yield found
    found.stop()


def ask(proxy: front.Front, path: str = "/") -> tuple[int, str]:
    """The status, and who answered."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=15)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader(front.TASK_FIELD, "")


def names(task: Task, said: str) -> bool:
    """Whether the field names *task*: by its address, or by its name where a product has only that."""
    return said in {task.name, task.address, task.address.removeprefix("unix:")}


@pytest.mark.parametrize("unix", [True, False], ids=["unix", "tcp"])
def test_new_targets_are_in_force_when_set_and_what_was_asked_before_is_answered(
    proxy: front.Front, tmp_path: Path, unix: bool
) -> None:
    old, new = Upstream("v1.1", tmp_path, unix=unix), Upstream("v2.1", tmp_path, unix=unix)
    proxy.set_targets([old.task])
    held: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: held.append(ask(proxy, "/held")))
    asking.start()
    wait_until(lambda: "/held" in old.asked, 10, "the old task is asked")

    proxy.set_targets([new.task])
    answers = [ask(proxy) for _ in range(20)]
    counted = proxy.in_flight(old.task)
    old.let_go.set()
    asking.join(15)

    assert [status for status, _ in answers] == [200] * 20
    assert all(names(new.task, said) for _, said in answers), answers
    assert counted == (None if isinstance(proxy, nginx.Nginx) else 1)
    assert held[0][0] == 200
    assert names(old.task, held[0][1])
    assert old.asked == ["/held"]


def test_a_task_taken_out_comes_to_nothing_in_flight(proxy: front.Front, tmp_path: Path) -> None:
    old, new = Upstream("v1.1", tmp_path, unix=True), Upstream("v2.1", tmp_path, unix=True)
    proxy.set_targets([old.task, new.task])
    for _ in range(4):
        assert ask(proxy)[0] == 200

    proxy.set_targets([new.task])

    wait_until(lambda: not proxy.in_flight(old.task), 10, "nothing is in flight at the old task")
    assert old.asked
    assert new.asked


def test_a_request_that_a_task_broke_off_is_an_error_and_not_sent_again(
    proxy: front.Front, tmp_path: Path
) -> None:
    first, second = (Upstream(name, tmp_path, unix=True) for name in ("v1.1", "v1.2"))
    first.breaks = second.breaks = True
    proxy.set_targets([first.task, second.task])

    assert ask(proxy)[0] in {502, 503}
    assert len(first.asked) + len(second.asked) == 1


def test_without_a_target_nobody_waits(proxy: front.Front) -> None:
    assert ask(proxy)[0] == 503


@pytest.mark.parametrize("kind", FRONTS.values(), ids=FRONTS)
def test_a_port_in_use_is_said_and_nothing_runs(kind: type[front.Front], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = kind(tmp_path, launch=OwnedProcess, settings=front.Settings(port=port))
        with pytest.raises(StartError, match=f"port {port} is in use"):
            found.start()


def test_a_front_that_died_says_so_when_it_is_told_of_targets(tmp_path: Path) -> None:
    died = haproxy.HAProxy(tmp_path / "front", launch=OwnedProcess)
    died.start()
    died.stop()

    with pytest.raises(StartError, match="does not answer at its runtime socket"):
        died.set_targets([Upstream("v1.1", tmp_path, unix=True).task])


def test_a_front_that_is_not_installed_is_named_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy.HAProxy, "PROGRAM", "haproxy-that-is-not-here")

    with pytest.raises(StartError, match=r"is not installed\s.*apt-get install haproxy"):
        haproxy.HAProxy(tmp_path, launch=OwnedProcess).start()
