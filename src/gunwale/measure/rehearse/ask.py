"""Asking a task, or the front, one question over HTTP: the status, the answer, and who gave it."""

from __future__ import annotations

import contextlib
import http.client
import socket
from typing import TYPE_CHECKING, NamedTuple

from gunwale.deploy.front import TASK_FIELD

if TYPE_CHECKING:
    from gunwale.deploy.task import Task

Seconds = float


class Answer(NamedTuple):
    """*status* 0: nobody answered."""

    status: int
    body: str = ""
    task: str = ""


def ask(address: str, path: str, timeout: Seconds = 1.0) -> Answer:
    """GET *path* of "unix:/path" or "host:port", on a connection of its own."""
    with (
        contextlib.suppress(OSError, ValueError, http.client.HTTPException),
        _connected(address, timeout) as sock,
    ):
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = sock
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "gunwale-rehearse"})
        answer = connection.getresponse()
        body = answer.read(4096).decode(errors="replace")
        return Answer(answer.status, body.strip(), answer.getheader(TASK_FIELD, ""))
    return Answer(0)


def said_of(task: Task) -> set[str]:
    """Return what fronts say of *task*: its address, in their own spelling, or (HAProxy) its name."""
    return {task.name, task.address, task.address.removeprefix("unix:")}


def _connected(address: str, timeout: Seconds) -> socket.socket:
    if not address.startswith("unix:"):
        host, _, port = address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout)
    try:
        sock.connect(address.removeprefix("unix:"))
    except OSError:
        sock.close()
        raise
    return sock
