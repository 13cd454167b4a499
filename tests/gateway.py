"""A gateway small enough to see through: PEP 3333's order of events, and nothing else."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

from gunwale.runtime.settings import Settings
from gunwale.runtime.wsgi import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.runtime.scoreboard import Slot
    from gunwale.runtime.wsgi import Wrapper


@dataclass
class Answer:
    """What came back; *result* is the very object the application returned."""

    status: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    result: Any = None

    @property
    def code(self) -> int:
        return int(self.status[:3])

    def __getitem__(self, name: str) -> str:
        return dict(self.fields)[name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Log:
    """The lines the wrapper wrote to its standard output."""

    fd: int

    @property
    def raw(self) -> list[bytes]:
        return os.pread(self.fd, 1 << 24, 0).splitlines(keepends=True)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw]

    @property
    def last(self) -> dict[str, Any]:
        return self.lines[-1]


def environ_of(path: str = "/", **more: Any) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "REMOTE_ADDR": "10.0.0.7",
        "QUERY_STRING": "",
    }
    setup_testing_defaults(environ)
    return environ | {"wsgi.input": io.BytesIO()} | more


def ask(application: Any, path: str = "/", *, blocks: int | None = None, **environ: Any) -> Answer:
    """Ask once; take at most *blocks* of the body, as when the client goes away; always close."""
    answer = Answer()
    sent: list[bytes] = []

    def start_response(
        status: str, fields: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[..., Any]:
        if exc_info is not None and sent:
            raise exc_info[1].with_traceback(exc_info[2])
        assert exc_info is not None or not answer.status, "start_response called twice"
        answer.status, answer.fields = status, fields
        return sent.append

    answer.result = application(environ_of(path, **environ), start_response)
    try:
        if blocks != 0:
            for count, block in enumerate(answer.result, 1):
                sent.append(block)
                if count == blocks:
                    break
    finally:
        if hasattr(answer.result, "close"):
            answer.result.close()
    answer.body = b"".join(sent)
    return answer


def wrapped(application: Any, slot: Slot | None = None, **plan: Any) -> Wrapper:
    """Wrap with a flat plan; the dots in its keys are written as double underscores."""
    return wrap(application, Settings.from_plan({key.replace("__", "."): v for key, v in plan.items()}), slot)


def hello(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
