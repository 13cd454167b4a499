"""A Docker engine for the tests: the machine's own if one answers, else one started and stopped here."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0
STOP_SECONDS = 30.0
COMMAND_SECONDS = 300.0


class EngineError(Exception):
    """The engine, or a command given to it, failed; the message holds what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The ``docker`` command, pointed at one engine; *host* None is the command's own default."""

    host: str | None = None

    @property
    def argv(self) -> list[str]:
        return ["docker"] if self.host is None else ["docker", "--host", self.host]

    def run(self, *args: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run one docker command and return its output, both streams; raise EngineError when it fails."""
        done = subprocess.run(
            [*self.argv, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
            env=_plain_builder(),
        )
        if done.returncode != 0:
            raise EngineError(f"docker {' '.join(args[:3])}… ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def answers(self) -> bool:
        """Tell whether the engine is there, not only the command."""
        with contextlib.suppress(EngineError, subprocess.TimeoutExpired, FileNotFoundError):
            self.run("version", "--format", "{{.Server.Version}}", seconds=10)
            return True
        return False

    def has_image(self, tag: str) -> bool:
        return bool(self.run("images", "--quiet", tag).strip())


def _plain_builder() -> dict[str, str]:
    # Debian's docker.io has no buildx, and a newer client would insist on it.
    return {**os.environ, "DOCKER_BUILDKIT": "0"}


def cache_directory() -> Path:
    """Return where images and wheels stay from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "gunwale-e2e"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def an_engine() -> Iterator[Engine]:
    """Give the machine's engine, or start one; stop only what was started here."""
    if (machine := Engine()).answers():
        yield machine
        return
    folder = cache_directory() / "engine"
    folder.mkdir(exist_ok=True)
    host = f"unix://{folder}/socket"
    # Docker's own exec-root and socket paths stay free for an engine somebody else starts.
    argv = ["dockerd", "--host", host, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    argv += ["--pidfile", f"{folder}/pid"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield _once_answering(Engine(host=host), process, folder / "log")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _once_answering(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> Engine:
    deadline = time.monotonic() + START_SECONDS
    while not engine.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise EngineError(f"dockerd did not start ({process.poll()}):\n{tail}")
        time.sleep(0.1)
    return engine
