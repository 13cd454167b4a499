"""Running ``gunwale serve`` in tests, for every server and worker class that serve discovers."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import gunwale
from gunwale.serve.servers import traits
from live import Live, Response, request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNPRIVILEGED = 65534


class Variant(NamedTuple):
    """One server with one worker class."""

    server: str
    worker_class: str

    @property
    def options(self) -> list[str]:
        words = ["--server", self.server, "--worker-class", self.worker_class]
        return [*words, "--threads", "8"] if self.has_threads else words

    @property
    def has_threads(self) -> bool:
        return self.worker_class in traits()[self.server].threaded

    def workers(self, wanted: int) -> int:
        return most_workers(self.options, wanted)


def most_workers(options: Sequence[str], wanted: int) -> int:
    """How many processes can be had of *wanted*: a server may be one process by its nature."""
    server = options[options.index("--server") + 1] if "--server" in options else "gunicorn"
    return 1 if traits()[server].one_process else wanted


VARIANTS = [
    Variant(name, worker_class) for name, server in traits().items() for worker_class in server.worker_classes
]


def only(is_meant: Callable[[Variant], bool]) -> pytest.MarkDecorator:
    """Run a test for those variants only whose nature it is about."""
    return pytest.mark.parametrize("variant", [v for v in VARIANTS if is_meant(v)], ids="-".join)


def has_several_processes(variant: Variant) -> bool:
    """Whether workers can die, be replaced and be recycled one by one."""
    return not traits()[variant.server].one_process


def has_several_requests(variant: Variant) -> bool:
    """Whether a worker can be in more than one request."""
    return variant.worker_class != "sync"


class Served(Live):
    """A running ``gunwale serve``, its addresses read from its log."""

    most_workers: int | None = None
    """What wait_for_workers() waits for at most: the server may be one process."""

    @property
    def port(self) -> int:
        return int(self.wait_for_log(r"serving on [^\n]*?:(\d+)").group(1))

    @property
    def admin_port(self) -> int:
        return int(self.wait_for_log(r"admin port on [^\n]*?:(\d+)").group(1))

    def get(self, path: str = "/", **keywords: object) -> Response:
        return request("127.0.0.1", self.port, path, **keywords)  # type: ignore[arg-type]

    def ask_admin(self, path: str) -> Response:
        return request("127.0.0.1", self.admin_port, path)

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.ask_admin("/metrics").text, re.MULTILINE)
        assert found, f"no metric {name}"
        return float(found.group(1))

    def wait_for_workers(self, count: int) -> None:
        count = min(count, self.most_workers or count)

        def are_there() -> bool:
            return self.metric('gunwale_workers{state="booted"}') >= count

        self.wait_until(are_there, 30, f"{count} workers booted")


def command(*options: str, app: str = "probe:application") -> list[str]:
    root = ["--allow-root"] if os.geteuid() == 0 else []
    return [sys.executable, "-m", "gunwale", "serve", app, *root, *options]


def as_user(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Make *words* runnable by a user who cannot read the folder that our interpreter lives in."""
    words = [word for word in words if word != "--allow-root"]
    candidates = [sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"]
    code = "import sys; sys.exit(0)"
    for candidate in candidates:
        with contextlib.suppress(OSError):
            if (
                subprocess.run([candidate, "-c", code], user=UNPRIVILEGED, cwd="/", check=False).returncode
                == 0
            ):
                path = [str(Path(gunwale.__file__).parents[1]), sysconfig.get_path("purelib")]
                return [candidate, *words[1:]], {"PYTHONPATH": os.pathsep.join(path)}
    pytest.skip(f"user {UNPRIVILEGED} can run none of {candidates}: apt-get install python3")
