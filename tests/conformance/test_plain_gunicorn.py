"""The extension under plain ``gunicorn``, without serve, on each worker class."""

from __future__ import annotations

import json
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from live import Live, request, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

APPLICATION = """
import logging, os, socket, sys
import flask
from gunwale import Gunwale

app = flask.Flask("shop")
logging.basicConfig(stream=sys.stderr, format="record %(request_id)s %(message)s")

def dependency():
    with socket.create_connection(("127.0.0.1", int(os.environ["DEPENDENCY_PORT"])), 2) as connection:
        return connection.recv(2) == b"ok"

@app.get("/")
def index():
    app.logger.warning("asked")
    return {"id": flask.g.request_id, "address": flask.request.remote_addr, "secure": flask.request.is_secure}

@app.get("/file")
def file():
    return flask.send_file(__file__)

@app.get("/stream")
def stream():
    return flask.Response(iter([b"a", b"b", b"c"]))

Gunwale(app, checks=[dependency], interval=0.05, timeout=1, hops={"x_for": 1, "x_proto": 1})
"""

VARIANTS = {
    "sync": ["--workers", "2"],
    "gthread": ["--worker-class", "gthread", "--threads", "4"],
    "gevent": ["--worker-class", "gevent"],
    "preload": ["--workers", "2", "--preload"],
}


class Dependency:
    """A service that says ok, no, or nothing at all to whoever connects."""

    def __init__(self) -> None:
        self.says = b"ok"
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._silent: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self.says:
                with connection:
                    connection.sendall(self.says)
            else:
                self._silent.append(connection)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._silent:
            connection.close()


@pytest.fixture
def dependency() -> Iterator[Dependency]:
    service = Dependency()
    yield service
    service.close()


class Running:
    """A Gunicorn with its port and its two outputs, which the harness keeps in one file."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.port = int(live.wait_for_log(r"Listening at: http://127\.0\.0\.1:(\d+)")[1])

    def ask(self, path: str, **headers: str) -> Any:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return request("127.0.0.1", self.port, path, headers=fields)

    def access_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.live.log_text().splitlines() if line.startswith('{"time"')]


@pytest.fixture(params=VARIANTS)
def gunicorn(
    request: pytest.FixtureRequest, tmp_path: Path, dependency: Dependency
) -> Iterator[Callable[[], Running]]:
    (tmp_path / "plain.py").write_text(APPLICATION)
    live = Live(
        [sys.executable, "-m", "gunicorn", *VARIANTS[request.param], "--bind", "127.0.0.1:0", "plain:app"],
        log=tmp_path / "log",
        cwd=tmp_path,
        env={"DEPENDENCY_PORT": str(dependency.port)},
    )
    with live:
        yield lambda: Running(live)


def test_an_answer_its_line_and_its_records_have_one_id(gunicorn: Callable[[], Running]) -> None:
    server = gunicorn()

    answer = server.ask("/", X_Forwarded_For='"6.6.6.6, 203.0.113.9', X_Forwarded_Proto="https")
    made = answer.headers["x-request-id"]

    assert json.loads(answer.body) == {"id": made, "address": "203.0.113.9", "secure": True}
    server.live.wait_until(server.access_lines, 5, "an access line")
    (line,) = server.access_lines()
    assert (line["request_id"], line["remote_addr"], line["scheme"]) == (made, "203.0.113.9", "https")
    assert f"record {made} asked" in server.live.log_text()


def test_files_and_streams_are_whole(gunicorn: Callable[[], Running]) -> None:
    server = gunicorn()

    assert server.ask("/file").text == APPLICATION
    assert server.ask("/stream").text == "abc"

    server.live.wait_until(lambda: len(server.access_lines()) == 2, 5, "two access lines")
    assert {line["path"]: line["bytes"] for line in server.access_lines()} == {
        "/file": len(APPLICATION),
        "/stream": 3,
    }


def test_readiness_follows_the_dependency_and_liveness_does_not(
    gunicorn: Callable[[], Running], dependency: Dependency
) -> None:
    server = gunicorn()
    assert server.ask("/ready").status == 200, "the first question waits for the first result"

    dependency.says = b"no"
    wait_until(lambda: server.ask("/ready").status == 503, 10, "503 with the dependency failing")
    dependency.says = b""
    wait_until(lambda: b"failed" in server.ask("/ready").body, 10, "503 with the dependency silent")
    assert server.ask("/health").status == 200
    server.live.wait_for_log(r"^gunwale: health: dependency failed: timed out after 1 s$", 10)

    dependency.says = b"ok"
    wait_until(lambda: server.ask("/ready").status == 200, 10, "200 with the dependency back")


def test_it_stops_with_its_checks_running(gunicorn: Callable[[], Running]) -> None:
    server = gunicorn()
    server.ask("/ready")

    server.live.terminate()

    assert server.live.wait_exit(10) == 0
