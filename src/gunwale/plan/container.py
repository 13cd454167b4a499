"""Whether this process runs in a container, and what says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KUBERNETES = "KUBERNETES_SERVICE_HOST"
_FILES = (".dockerenv", "run/.containerenv")
_VARIABLES = (KUBERNETES, "ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI")
_GROUPS = ("/docker/", "/docker-", "/kubepods", "/libpod-", "/ecs/", "/lxc/")


def evidence(root: Path, environ: Mapping[str, str]) -> str:
    """Return what shows that this is a container, or "" where nothing does."""
    for name in _FILES:
        if (root / name).exists():
            return f"/{name}"
    for name in _VARIABLES:
        if environ.get(name):
            return name
    try:
        groups = (root / "proc/self/cgroup").read_text()
    except OSError:
        return ""
    found = next((mark for mark in _GROUPS if mark in groups), "")
    return f"{found} in /proc/self/cgroup" if found else ""
