from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from gunwale.errors import ConfigurationError
from gunwale.plan.capacity import Capacity
from gunwale.plan.load import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunwale.plan.model import Plan

MACHINE = Capacity(cpu=2.0, memory=2**30, cpu_why="CPU affinity", memory_why="MemTotal of /proc/meminfo")


class Load(Protocol):
    def __call__(self, *, environ: Mapping[str, str] = ..., **options: Any) -> Plan: ...


class Refuse(Protocol):
    def __call__(self, *, environ: Mapping[str, str] = ..., **options: Any) -> str: ...


class Write(Protocol):
    def __call__(self, name: str, text: str) -> Path: ...


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project directory."""
    directory = tmp_path / "shop"
    directory.mkdir()
    return directory


@pytest.fixture
def write(project: Path) -> Write:
    """Write a file of the project."""

    def write_file(name: str, text: str) -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


@pytest.fixture
def plan(project: Path) -> Load:
    """Load the project's plan on a machine with two CPUs and 1 GiB, outside of any container."""

    def load_plan(*, environ: Mapping[str, str] | None = None, **options: Any) -> Plan:
        options = {"capacity": MACHINE, "in_container": "", **options}
        return load(project, environ=environ or {}, **options)

    return load_plan


@pytest.fixture
def refusal(plan: Load) -> Refuse:
    """Load a plan that must be refused, and return everything the user reads."""

    def load_refused(*, environ: Mapping[str, str] | None = None, **options: Any) -> str:
        with pytest.raises(ConfigurationError) as caught:
            plan(environ=environ or {}, **options)
        return str(caught.value)

    return load_refused
