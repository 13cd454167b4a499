"""The set-up that tutorials teach, built: as taught it cannot start, mended it turns healthy."""

from __future__ import annotations

import json
import re
import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from e2e.containers import HARDENED, Container, a_container
from e2e.images import ROOT, official_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2e.engine import Engine

pytestmark = pytest.mark.docker

FILES = tomllib.loads((ROOT / "tests" / "unit" / "check" / "tutorial.toml").read_text())["file"]
# The image's own user; and its own HEALTHCHECK, asked sooner than after Docker's 30 seconds.
OPTIONS = (*HARDENED[: HARDENED.index("--user")], "--env", "SECRET_KEY=for-this-test-alone")
OFTEN = ("--health-interval", "1s", "--health-retries", "30")
SECONDS = 30.0


@pytest.fixture(scope="module")
def built(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Give a function that builds the files "taught" or "mended" and returns the image's tag."""
    with official_python(engine, tmp_path_factory.mktemp("python")) as python:
        # The official image has a pip on its PATH, and Debian's Python only one of a virtual environment.
        context = tmp_path_factory.mktemp("pip")
        lines = [f"FROM {python.tag}", "RUN python3 -m venv /usr/local/venv"]
        (context / "Dockerfile").write_text("\n".join([*lines, "ENV PATH=/usr/local/venv/bin:$PATH"]))
        base = "gunwale-test-tutorial:python"
        engine.run("build", "--quiet", "--tag", base, str(context))

        def build(kind: str) -> str:
            root = tmp_path_factory.mktemp(kind)
            for each in FILES:
                _write(root / each["name"], each.get(kind, each["taught"]).lstrip("\n"), base)
            tag = f"gunwale-test-tutorial:{kind}"
            engine.run("build", "--quiet", "--tag", tag, str(root))
            return tag

        yield build
        engine.run("rmi", "--no-prune", base)


def _write(path: Path, text: str, base: str) -> None:
    """Write a file for the Python and the wheels that are here: which versions is not what is shown."""
    if path.name == "Dockerfile":
        text = text.replace("python:3.13-slim", base)
    elif path.name == "requirements.txt":
        text = re.sub(r"==.*", "", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _once(container: Container, key: str, *unwanted: object) -> object:
    """Return a part of the container's state, once it is none of *unwanted*."""
    deadline = time.monotonic() + SECONDS
    while True:
        state: dict[str, Any] = container.state()
        found = state["Health"]["Status"] if key == "Health" else state[key]
        if found not in unwanted:
            return found
        assert time.monotonic() < deadline, f"{json.dumps(state)}\n{container.logs()}"
        time.sleep(0.1)


def test_the_mended_set_up_builds_and_turns_healthy(engine: Engine, built: Callable[[str], str]) -> None:
    with a_container(engine, built("mended"), options=(*OPTIONS, *OFTEN)) as container:
        assert _once(container, "Health", "starting") == "healthy", container.logs()
        # As a load balancer asks: by the task's own address, which TRUSTED_HOSTS does not hold.
        asked = "import urllib.request as r; print(r.urlopen('http://%s:8000/health').status)"
        address = container.address

        assert engine.run("exec", container.name, "python", "-c", asked % address).strip() == "200"


def test_as_taught_the_server_does_not_find_its_application(
    engine: Engine, built: Callable[[str], str]
) -> None:
    with a_container(engine, built("taught"), options=OPTIONS) as container:
        assert _once(container, "Running", True) is False
        assert "No module named 'myapp'" in container.logs()
