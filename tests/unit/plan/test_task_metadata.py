from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from gunwale.plan import capacity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 2**20


class _Metadata(BaseHTTPRequestHandler):
    body = b""
    status = 200

    def do_GET(self) -> None:
        is_task = self.path == "/v4/abc/task"
        self.send_response(self.status if is_task else 404)
        self.end_headers()
        self.wfile.write(self.body if is_task else b"")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def task_metadata(body: bytes, status: int = 200) -> Iterator[dict[str, str]]:
    """The ECS task metadata endpoint, as an environment that names it."""
    handler = type("Handler", (_Metadata,), {"body": body, "status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield {capacity.ECS_METADATA: f"http://127.0.0.1:{server.server_address[1]}/v4/abc"}
        finally:
            server.shutdown()
            thread.join()


def test_fargate_limits_are_those_of_the_task(tmp_path: Path) -> None:
    # The container's own group says "max": the quota is the task's, and not visible from inside.
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/\n")
    mount = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    (tmp_path / "proc" / "self" / "mountinfo").write_text(mount)
    (tmp_path / "sys" / "fs" / "cgroup").mkdir(parents=True)
    (tmp_path / "sys" / "fs" / "cgroup" / "cpu.max").write_text("max 100000\n")
    limits = {"Limits": {"CPU": 0.25, "Memory": 512}, "Containers": [{"Limits": {"CPU": 2}}]}

    with task_metadata(json.dumps(limits).encode()) as environ:
        found = capacity.detect(tmp_path, affinity=2, environ=environ)

    assert (found.cpu, found.memory) == (0.25, 512 * MIB)
    assert found.cpu_why == found.memory_why == "ECS task metadata"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 200), (b"not json", 200), (b"[]", 200), (b"", 500), (b'{"Limits": {"CPU": "x"}}', 200)],
)
def test_fargate_metadata_that_says_nothing_changes_nothing(tmp_path: Path, body: bytes, status: int) -> None:
    with task_metadata(body, status) as environ:
        assert capacity.detect(tmp_path, affinity=2, environ=environ).cpu == 2.0


def test_metadata_that_cannot_be_reached_is_said_so(tmp_path: Path) -> None:
    with task_metadata(b"") as environ:
        pass  # now nobody listens there

    found = capacity.detect(tmp_path, affinity=2, environ=environ)

    assert found.cpu == 2.0
    assert any(source.startswith("ECS task metadata: not read: ") for source in found.sources)


def test_metadata_is_only_asked_over_plain_http() -> None:
    with pytest.raises(ValueError, match="not an http address"):
        capacity.fetch_json("file:///etc/passwd")
