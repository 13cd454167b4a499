"""One suite for every server and worker class: a new one needs no new test."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live import free_port
from served import VARIANTS, Served, Variant, as_user, command, most_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APPLICATIONS = Path(__file__).parent / "applications"


@pytest.fixture(params=VARIANTS, ids="-".join)
def variant(request: pytest.FixtureRequest) -> Variant:
    found: Variant = request.param
    return found


@pytest.fixture
def project() -> Iterator[Path]:
    """A folder with the applications of these tests, that other users can read."""
    folder = Path(tempfile.mkdtemp(prefix="gunwale-test-"))
    shutil.copytree(APPLICATIONS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def serve(project: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start ``gunwale serve APP OPTIONS`` on ports of its own; ended with the test."""
    with contextlib.ExitStack() as stack:

        def start(
            *options: str,
            app: str = "probe:application",
            bind: str = "127.0.0.1:0",
            user: int | None = None,
            env: dict[str, str] | None = None,
            workers: int = 2,
            shell: str = "",
        ) -> Served:
            workers = most_workers(options, workers)
            words = command("--workers", str(workers), *options, app=app)
            for address in bind.split(","):
                words += ["--bind", address]
            if "--admin-bind" not in options:
                words += ["--admin-bind", "127.0.0.1:0"]
            if shell:  # a redirection, or what else a shell can do before it becomes serve
                words = ["sh", "-c", f'{shell}; exec "$@"', "sh", *words]
            environ = {"PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
            if user is not None:
                words, path = as_user(words)
                environ |= path
            served = Served(words, log=tmp_path / "serve.log", cwd=project, user=user, env=environ)
            served.most_workers = workers
            return stack.enter_context(served)

        yield start


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def repeats() -> int:
    """How often the stop under load is repeated: make e2e and CI set it."""
    return int(os.environ.get("STOP_REPEATS", "1"))
