"""A site of its own in a short folder, a small application in several versions, and clients that count."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gunwale.deploy import detached, events
from gunwale.deploy.clock import RealClock
from gunwale.deploy.events import EventLog
from gunwale.deploy.halt import halt
from gunwale.deploy.state import Paths, State
from live import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = """
import os, threading, time
from flask import Flask, request
app = Flask(__name__)

@app.get("/")
def index():
    return "{version}"

@app.post("/")
def take():
    time.sleep(0.02)
    return "{version} took " + request.get_data(as_text=True)
{more}
"""
PLAN = """
name = "bed"
[serve]
worker_class = "gthread"
workers = 1
[rollout]
ready_timeout = 20
stop_timeout = 40
"""
GUNWALE = (sys.executable, "-m", "gunwale")
# Runs a verb with a listener that kills this very process at the event of its name: a kill -9 at each step.
KILLED = """
import os, signal, sys
from pathlib import Path
from gunwale.deploy import operate
from gunwale.deploy.launch import Wanted
from gunwale.deploy.state import Paths, State
paths, directory, at = Paths(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
def hear(event):
    if at in (event.event, f"{event.event} {event.phase}"):
        os.kill(os.getpid(), signal.SIGKILL)
wanted = Wanted(directory=directory, allow_root=True, listen=sys.argv[4] if len(sys.argv) > 4 else None)
if len(sys.argv) > 4:
    operate.up(paths, "bed", operate.prepare(wanted, None), operate.Console(hear=hear))
else:
    operate.deploy(paths, operate.prepare(wanted, operate.existing(paths)), operate.Console(hear=hear))
"""


class Bed:
    """The site's *paths*, its *port*, and the verbs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths(folder / "s")
        self.port = free_port()
        self.listen = f"127.0.0.1:{self.port}"

    def release(self, version: str, more: str = "", plan: str = PLAN) -> Path:
        """Write a release into a folder of its own."""
        folder = self.folder / version
        folder.mkdir(exist_ok=True)
        (folder / "app.py").write_text(APP.format(version=version, more=more))
        (folder / "gunwale.toml").write_text(plan)
        return folder

    def run(self, verb: str, *words: str, release: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        return subprocess.run(
            self.argv(verb, *words, release=release),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def argv(self, verb: str, *words: str, release: Path | None = None) -> list[str]:
        given = ["--release", str(release)] if release else []
        # The site remembers that its application may run as root.
        given += ["--listen", self.listen, "--allow-root"] if verb == "up" else []
        return [*GUNWALE, verb, "--name", "bed", "--state", str(self.paths.root), *given, *words]

    def up(self, release: Path) -> None:
        done = self.run("up", release=release)
        assert done.returncode == 0, done.stdout + done.stderr

    def killed_at(self, event: str, release: Path, *, is_up: bool = False) -> None:
        """Roll *release* out by a gunwale that is killed with SIGKILL at *event*."""
        words = [str(self.paths.root), str(release), event, *([self.listen] if is_up else [])]
        done = subprocess.run([sys.executable, "-c", KILLED, *words], timeout=100, check=False)
        assert done.returncode == -signal.SIGKILL, f"never came to {event}"

    def status(self) -> dict[str, Any]:
        done = self.run("status", "--format", "json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def serving(self) -> dict[str, int | None]:
        return {task["task"]: task["pid"] for task in self.status()["tasks"]}

    def get(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def told(self) -> list[events.Event]:
        return list(events.read(self.paths.events))

    def processes(self) -> list[int]:
        """Return every process of the site that is alive: by its folder on their command lines or marks."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                except OSError:
                    continue
                if str(self.paths.root).encode() in text and detached.Detached.of(int(entry.name)):
                    found.append(int(entry.name))
        return found

    def clear(self) -> None:
        """Leave no process, whatever a test did."""
        state = State(self.paths)
        if self.paths.state.exists():
            with state.change() as site:
                site.is_up = False
            halt(state, EventLog(None, clock=RealClock()))
        for pid in self.processes():
            if known := detached.Detached.of(pid):
                known.send(signal.SIGKILL)
        wait_until(lambda: not self.processes(), 10, "every process of the site is gone")


class Clients:
    """Two clients that keep their connection and one that takes a new one each time, all counting."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(keeps,)) for keeps in (True, True, False)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for(self, more: int, what: str) -> None:
        """Wait for *more* answers."""
        wanted = len(self.answers) + more
        wait_until(lambda: len(self.answers) > wanted, 15, what)

    def _ask(self, keeps: bool) -> None:
        connection = self._connect()
        number = 0
        while not self._stop.wait(0.01):
            number += 1
            try:
                connection.request("POST", "/", body=f"{number}")
                response = connection.getresponse()
                said = response.read().decode()
                if response.status != 200 or not said.endswith(f" took {number}"):
                    self.failures.append(f"{response.status} {said[:80]}")
                self.answers.append(said.partition(" ")[0])
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.monotonic():.3f} {error!r}")
                connection.close()
                connection = self._connect()
            if not keeps:
                connection.close()
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)


def numbered(bed: Bed, first: int = 2) -> Iterator[Path]:
    """Yield release after release, each in a folder of its own."""
    while True:
        yield bed.release(f"r{first}")
        first += 1
