"""The access log under attack: four workers, one pipe, hostile clients."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from live import free_port, raw, wait_until
from served import command

if TYPE_CHECKING:
    from pathlib import Path

    from served import Variant

HOSTILE = [
    b'GET /a"b HTTP/1.1\r\nHost: t\r\n\r\n',
    b'GET /%0a{"status":200} HTTP/1.1\r\nHost: t\r\n\r\n',
    b"GET /\xff\xfe HTTP/1.1\r\nHost: t\r\n\r\n",
    b'GET / HTTP/1.1\r\nHost: t\r\nUser-Agent: "}\x0b{"request_id": "forged"}\r\n\r\n',
    b"GET / HTTP/1.1\r\nHost: t\r\nUser-Agent: \xf0\x28\x8c\x28 \x7f\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: t\r\nReferer: " + b"r" * 8000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: t\r\nUser-Agent: "
    + b"u" * 8000
    + b"\r\nReferer: "
    + b"\\" * 8000
    + b"\r\n\r\n",
    b"GET /?token=s3cret&x=" + b"q" * 3000 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: t\r\nX-Request-ID: 00000000000000000000000000forged\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \\u000a\r\n\r\n",
]


def test_two_hundred_hostile_requests_are_two_hundred_sound_lines(
    variant: Variant, project: Path, tmp_path: Path
) -> None:
    port = free_port()
    workers = str(variant.workers(4))
    words = command(
        *variant.options, "--workers", workers, "--bind", f"127.0.0.1:{port}", "--admin-bind", "off"
    )
    lines: list[bytes] = []
    with (tmp_path / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=errors, cwd=project, start_new_session=True, pipesize=4096
        )
    assert process.stdout is not None
    reader = threading.Thread(target=lines.extend, args=(process.stdout,))
    reader.start()
    try:
        wait_for(port, process, tmp_path / "stderr")
        for _ in range(20):
            socks = [raw("127.0.0.1", port) for _ in HOSTILE]
            for sock, data in zip(socks, HOSTILE, strict=True):
                sock.sendall(data)
            for sock in socks:
                assert sock.recv(12).startswith(b"HTTP/1.1 ")
                sock.close()
        wait_until(lambda: len(lines) >= 200, 10, "200 lines")
    finally:
        process.terminate()
        assert process.wait(20) == 0
        reader.join(10)
        process.stdout.close()

    assert len(lines) == 200
    for line in lines:
        assert len(line) <= 4096
        entry = json.loads(line)
        assert "forged" not in entry["request_id"]
        assert "s3cret" not in line.decode()
        assert entry["status"] in {200, 400, 404}
        assert entry["remote_addr"] == "127.0.0.1"
    assert len({json.loads(line)["request_id"] for line in lines}) == 200


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            raw("127.0.0.1", port).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
