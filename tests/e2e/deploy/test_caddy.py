"""Caddy as a balancer: what is promised of every one, on the real program."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import socketserver
import tempfile
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy.ask import ask
from gunwale.deploy.balancers.caddy import Caddy
from gunwale.deploy.caddy_config import Site
from gunwale.deploy.task import Task
from gunwale.errors import StartError
from live import request, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/held":
            self.server.release.wait(10)  # type: ignore[attr-defined]
        task = self.server.address  # type: ignore[attr-defined]
        body = json.dumps({"task": task, "fields": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


class Serving(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A task at *host*, on a free port, or at the Unix socket *host*, a path then."""

    daemon_threads = True
    request_queue_size = 128  # a full queue of a Unix socket refuses at once (EAGAIN)

    def __init__(self, host: str) -> None:
        is_unix = host.startswith("/")
        self.address_family = (
            socket.AF_UNIX if is_unix else socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        super().__init__(host if is_unix else (host, 0), Answering)  # type: ignore[arg-type]
        bound = f"[{host}]" if ":" in host else host
        self.address = f"unix:{host}" if is_unix else f"{bound}:{self.server_address[1]}"
        self.release = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        return self.socket.accept()[0], ("peer", 0)


class Bed:
    """Two tasks and the folder of a Caddy; its path is short, as a Unix socket's must be."""

    def __init__(self, folder: Path, host: str = "") -> None:
        self.folder = folder
        self.servers = {f"v1.{n}": Serving(host or f"{folder}/v1.{n}.sock") for n in (1, 2)}
        self.one, self.two = (
            Task(name=name, release="v1", address=server.address) for name, server in self.servers.items()
        )
        self.caddy = Caddy(folder, Site(listen="127.0.0.1:0", tells_task=True))

    def task(self, path: str = "/") -> str:
        response = request("127.0.0.1", self.port, path)
        assert response.status == 200
        assert response.headers["x-gunwale-task"] == json.loads(response.text)["task"]
        return response.headers["x-gunwale-task"]

    @property
    def port(self) -> int:
        return int(self.caddy.url.rpartition(":")[2])


EVERY_ADDRESS = pytest.mark.parametrize(
    "bed", ["", "127.0.0.1", "::1", "localhost"], indirect=True, ids=["unix", "IPv4", "IPv6", "name"]
)


@pytest.fixture
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        made = Bed(Path(folder), getattr(request, "param", ""))
        try:
            yield made
        finally:
            for server in made.servers.values():
                server.release.set()
                server.shutdown()
                server.server_close()
            made.caddy.stop()
            assert made.caddy.process is None


@EVERY_ADDRESS
def test_requests_go_to_the_targets_and_no_others(bed: Bed) -> None:
    bed.caddy.set_targets([bed.one, bed.two])
    bed.caddy.start()
    assert {bed.task() for _ in range(8)} == {bed.one.address, bed.two.address}
    bed.caddy.set_targets([bed.two])
    assert {bed.task() for _ in range(8)} == {bed.two.address}
    assert bed.caddy.probe(bed.one, "/").status == 200


@EVERY_ADDRESS
def test_requests_of_a_removed_target_are_counted_to_their_end(bed: Bed) -> None:
    bed.caddy.set_targets([bed.one])
    bed.caddy.start()
    held = threading.Thread(target=bed.task, args=("/held",))
    held.start()
    wait_until(lambda: bed.caddy.in_flight(bed.one) == 1, 5, "the request is in flight")
    bed.caddy.set_targets([bed.two])
    assert (bed.caddy.in_flight(bed.one), bed.caddy.in_flight(bed.two)) == (1, 0)
    bed.servers["v1.1"].release.set()
    held.join(5)
    wait_until(lambda: bed.caddy.in_flight(bed.one) == 0, 5, "the request has ended")


@EVERY_ADDRESS
def test_request_of_one_task_alone_is_counted_too(bed: Bed) -> None:
    bed.caddy.start()
    held = threading.Thread(target=bed.caddy.probe, args=(bed.one, "/held"))
    held.start()
    wait_until(lambda: bed.caddy.in_flight(bed.one) == 1, 5, "the request is in flight")
    assert bed.caddy.in_flight(bed.two) == 0
    bed.servers["v1.1"].release.set()
    held.join(5)
    wait_until(lambda: bed.caddy.in_flight(bed.one) == 0, 5, "the request has ended")


def test_connection_of_a_client_outlives_the_change_of_targets(bed: Bed) -> None:
    bed.caddy.set_targets([bed.one])
    bed.caddy.start()
    connection = http.client.HTTPConnection("127.0.0.1", bed.port, timeout=5)
    connection.connect()
    sock = connection.sock
    for task in (bed.one, bed.two) * 10:
        bed.caddy.set_targets([task])
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        assert response.headers["X-Gunwale-Task"] == task.address
        assert connection.sock is sock
    connection.close()


def test_request_waits_for_a_task_that_can_be_connected_to(bed: Bed) -> None:
    bed.caddy.site = replace(bed.caddy.site, try_duration=5.0)
    bed.caddy.start()
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(bed.task()))
    waiting.start()
    time.sleep(0.2)  # it is being tried meanwhile: nothing tells when
    assert not said
    bed.caddy.set_targets([bed.one])
    waiting.join(5)
    assert said == [bed.one.address]


def test_configuration_is_changed_under_lock_and_only_where_it_differs(bed: Bed) -> None:
    bed.caddy.set_targets([bed.one])
    bed.caddy.start()
    assert bed.caddy.apply(bed.caddy.site) is False
    changed = replace(bed.caddy.site, max_body=10, fields={"X-Real-IP": None}, slots=30)
    assert bed.caddy.apply(changed) is True
    assert request("127.0.0.1", bed.port, method="POST", body=b"x" * 11).status == 413
    found = request("127.0.0.1", bed.port, headers={"X-Real-IP": "1.2.3.4", "X-Gunwale-Dial": "unix//etc/x"})
    assert not {"X-Real-Ip", "X-Real-IP", "X-Gunwale-Dial"} & set(json.loads(found.text)["fields"])

    stale = {"If-Match": '"/config/apps 0000000000000000"', "Content-Type": "application/json"}
    refused = ask(bed.folder / "caddy.sock", "/config/apps", method="PATCH", body=b"{}", fields=stale)
    assert refused.status == 412


def test_caddy_that_was_killed_comes_back_with_its_targets(bed: Bed) -> None:
    bed.caddy.set_targets([bed.two])
    bed.caddy.start()
    process = bed.caddy.process
    assert process is not None
    process.send(signal.SIGKILL)
    assert process.wait_end(5)
    assert bed.caddy.in_flight(bed.two) is None
    again = Caddy(bed.folder, bed.caddy.site)
    again.start()
    assert bed.task() == bed.two.address
    assert Caddy(bed.folder, bed.caddy.site).process == again.process


def test_address_in_use_is_said_with_the_log(bed: Bed) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Answering) as taken:
        listen = f"127.0.0.1:{taken.server_address[1]}"
        with pytest.raises(StartError, match=rf"{listen}: Caddy did not start[\s\S]*address already in use"):
            Caddy(bed.folder, Site(listen=listen)).start()
