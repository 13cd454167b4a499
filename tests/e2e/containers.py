"""Containers as a platform would run them: hardened, without a proxy of Docker's in between."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.engine import Engine

UID = 10001
HARDENED = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--user", str(UID)),
)
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A running container, asked at its own address on the bridge.

    A published port would put Docker's proxy between, and what it accepts says nothing about the application.
    """

    engine: Engine
    name: str
    address: str

    def logs(self) -> str:
        return self.engine.run("logs", self.name)

    def state(self) -> dict[str, object]:
        state: dict[str, object] = json.loads(
            self.engine.run("inspect", "--format", "{{json .State}}", self.name)
        )
        return state

    def stop(self, seconds: int) -> int:
        """Stop it as ``docker stop -t`` does, and return the exit status of its PID 1."""
        self.engine.run("stop", "--time", str(seconds), self.name, seconds=seconds + 30)
        status = self.state()["ExitCode"]
        assert isinstance(status, int)
        return status

    def wait_until_listening(self, port: int) -> None:
        """Wait until *port* takes a connection; raise EngineError with the log when it never does."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection((self.address, port), timeout=1):
                return
            if time.monotonic() > deadline or not self.state()["Running"]:
                raise EngineError(f"nothing listens on port {port}; the container says:\n{self.logs()}")
            time.sleep(0.05)


@contextlib.contextmanager
def a_container(
    engine: Engine, image: str, *command: str, options: tuple[str, ...] = HARDENED
) -> Iterator[Container]:
    """Run *image* in the background and remove it in the end, whatever state it is in."""
    name = engine.run("run", "--detach", *options, image, *command).strip()
    try:
        address = engine.run("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name).strip()
        yield Container(engine=engine, name=name, address=address)
    finally:
        engine.run("rm", "--force", "--volumes", name)
