"""HAProxy in front: targets added, taken out and counted through its runtime socket."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from gunwale.deploy import front
from gunwale.errors import Problem, StartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gunwale.deploy.task import Task

_ASKING = 5.0  # seconds
_NO = re.compile(r"(?i)no such|unknown|error|require|can't|cannot|invalid|fail|already")


class HAProxy(front.Front):
    """HAProxy 2.5 or newer, without retries and redispatching."""

    PROGRAM = "haproxy"
    INSTALL = "apt-get install haproxy"

    def command(self) -> list[str]:
        """Write the configuration and return HAProxy's options."""
        text = configuration(self.port, self.settings, self._socket)
        return ["-db", "-f", str(front.write(self.directory / "haproxy.cfg", text))]

    def set_targets(self, tasks: Sequence[Task]) -> None:
        """Add and enable what is new, then take out what is no longer wanted; both are in force at once."""
        for task in tasks:
            if task not in self.targets:
                self._tell(f"add server tasks/{task.name} {address(task)} pool-purge-delay {self._idle}")
                self._tell(f"enable server tasks/{task.name}")
        for task in self.targets:
            if task not in tasks:
                self._tell(f"set server tasks/{task.name} state maint")
        self.targets = tuple(tasks)

    def in_flight(self, task: Task) -> int | None:
        """Return the connections of *task* in use, which is one a request."""
        lines = [line.split() for line in self.ask("show servers conn tasks").splitlines()]
        names = next((line for line in lines if "used_cur" in line), None)
        if names is None:
            return None
        # The first of the names follows a comment sign that the rows do not have.
        names = names[1:] if names[0] == "#" else names
        rows = (dict(zip(names, line, strict=False)) for line in lines)
        return next((int(row["used_cur"]) for row in rows if _server(row) == task.name), None)

    def ask(self, command: str) -> str:
        """Send *command* to the runtime socket; return the answer. StartError where there is none."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(_ASKING)
                sock.connect(str(self._socket))
                sock.sendall(f"{command}\n".encode())
                return b"".join(iter(lambda: sock.recv(65536), b"")).decode(errors="replace")
        except OSError as error:
            message = f"does not answer at its runtime socket ({error}): has it ended?"
            raise StartError(Problem(where="haproxy", message=message)) from error

    @property
    def _socket(self) -> Path:
        return self.directory / "haproxy.sock"

    @property
    def _idle(self) -> str:
        return f"{int(self.settings.idle_timeout * 1000)}ms"

    def _tell(self, command: str) -> None:
        answer = self.ask(command).strip()
        if _NO.search(answer):
            raise StartError(Problem(where="haproxy", message=f"{command}: {answer}"))


def configuration(port: int, settings: front.Settings, runtime: Path) -> str:
    """Return haproxy.cfg; its targets come at run time."""
    server = settings.request_timeout + settings.idle_timeout
    mark = f"\n http-response set-header {front.TASK_FIELD} %[srv_name]" if settings.names_tasks else ""
    return f"""global
 maxconn 8000
 stats socket {runtime} mode 600 level admin
defaults
 mode http
 retries 0
 timeout connect 5s
 timeout client 3600s
 timeout server {server:g}s
 timeout http-keep-alive 3600s
frontend front
 bind 127.0.0.1:{port} backlog 4096
 option forwardfor
 http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
 default_backend tasks
backend tasks
 balance roundrobin{mark}
"""


def address(task: Task) -> str:
    """Return where *task* listens, as HAProxy writes it."""
    return f"unix@{path}" if (path := front.unix_path(task)) else task.address


def _server(row: dict[str, str]) -> str:
    """The name in a row of ``show servers conn``: "backend/server", with its number in newer versions."""
    return row.get("bkname/svname", "").rpartition("/")[2]
