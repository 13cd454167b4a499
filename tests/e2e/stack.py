"""A rendered stack, brought up by compose and taken down again; asked through its front, by TLS."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import socket
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from e2e.engine import Engine

HOST = "shop.example"
UP_SECONDS, ANSWER_SECONDS, ORDERS_SECONDS = 300.0, 60.0, 120.0
_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The stack of the project in *folder*; compose runs in a container of *image*."""

    engine: Engine
    image: str
    folder: Path

    def compose(self, *words: str) -> str:
        """Run one command of compose on this engine, in the project's folder."""
        ours = (self.engine.host or f"unix://{_SOCKET}").removeprefix("unix://")
        mounts = ["--volume", f"{ours}:{_SOCKET}", "--volume", f"{self.folder}:{self.folder}"]
        options = ["--rm", *mounts, "--workdir", str(self.folder), "--env", "DOCKER_BUILDKIT=0"]
        return self.engine.run("run", *options, self.image, "docker-compose", *words, seconds=UP_SECONDS)

    def address(self, service: str, network: str) -> str:
        """Return the address of a service's container, which this machine reaches by the bridge."""
        name = self.compose("ps", "--quiet", service).strip()
        found = json.loads(self.engine.run("inspect", "--format", "{{json .NetworkSettings.Networks}}", name))
        return next(str(each["IPAddress"]) for key, each in found.items() if key.endswith(f"_{network}"))

    def name(self, service: str) -> str:
        """Return the container of a service."""
        return self.compose("ps", "--quiet", service).strip()


@contextlib.contextmanager
def brought_up(stack: Stack) -> Iterator[float]:
    """Bring *stack* up and give the seconds that it took; take it down with its volumes."""
    began = time.monotonic()
    try:
        stack.compose("up", "--detach", "--quiet-pull")
        yield time.monotonic() - began
    finally:
        stack.compose("down", "--volumes", "--timeout", "10")


@dataclass(slots=True)
class Door:
    """The front's address, asked by TLS for the site's name; its certificate is nobody's but ours."""

    address: str

    def ask(self, path: str, method: str = "GET", body: str = "", **fields: str) -> tuple[int, bytes]:
        """Send one request on a connection of its own."""
        with contextlib.closing(_Connection(self.address)) as connection:
            connection.request(method, path, body or None, {"Host": HOST, **fields})
            response = connection.getresponse()
            return response.status, response.read()

    def json(self, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON of an answer, which must be a 200."""
        status, body = self.ask(path, **fields)
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def wait(self) -> float:
        """Wait for the first 200; return when it came."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("/")[0] == 200:
                    return time.monotonic()
            assert time.monotonic() < deadline, "no 200 through the front"
            time.sleep(0.02)


class _Connection(http.client.HTTPSConnection):
    """HTTPS to an address, with the site's name in the handshake."""

    def __init__(self, address: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(address, context=context, timeout=30)
        self._tls = context

    def connect(self) -> None:
        sock = socket.create_connection((self.host, self.port), 30)
        self.sock = self._tls.wrap_socket(sock, server_hostname=HOST)


@dataclass(slots=True)
class Crowd:
    """*clients* that place orders and read, each as soon as it has its answer; what came of it, by status."""

    door: Door
    clients: int
    statuses: Counter[str] = field(default_factory=Counter)
    _threads: list[threading.Thread] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in range(self.clients)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        for each in self._threads:
            each.join()

    def wait_for(self, orders: int) -> None:
        """Wait until so many orders are placed."""
        deadline = time.monotonic() + ORDERS_SECONDS
        while self.statuses["201"] < orders:
            assert time.monotonic() < deadline, f"too few orders: {self.statuses}"
            time.sleep(0.1)

    def _run(self, number: int) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        count = 0
        while not self._is_over.is_set():
            count += 1
            try:
                fields = {**form, "Idempotency-Key": f"{number}-{count}"}
                status = str(self.door.ask("/orders", "POST", "product_id=1&quantity=1", **fields)[0])
                self.statuses[status] += 1
                self.statuses[str(self.door.ask(f"/products/{1 + count % 100}")[0])] += 1
            except (OSError, http.client.HTTPException) as error:
                self.statuses[repr(error)] += 1


@dataclass(slots=True)
class Census:
    """The most connections that the database had at once, its own and the counting one left out."""

    uri: str
    most: int = 0
    samples: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        ask = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        driver: Any = importlib.import_module("psycopg")
        with driver.connect(self.uri, autocommit=True) as connection:
            while not self._is_over.wait(0.01):
                row = connection.execute(ask).fetchone()
                self.most = max(self.most, row[0] if row else 0)
                self.samples += 1
