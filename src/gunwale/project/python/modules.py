"""Which file a dotted module name means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.readers.python import PythonFile
from gunwale.project.templates import names

if TYPE_CHECKING:
    from gunwale.project.model import Project


def by_last_name(project: Project) -> dict[str, list[str]]:
    """Return the paths of the Python files by the last part of their module's name."""
    found: dict[str, list[str]] = {}
    for path in project.tree.files:
        if path.endswith(".py"):
            found.setdefault(_dotted(path).rpartition(".")[2], []).append(path)
    return found


def find(project: Project, module: str, near: str = "") -> PythonFile | None:
    """Return the file of *module*: of several, the one whose directory shares most with *near*, a path."""
    module = names(module)
    candidates = [
        path
        for path in project.derive(by_last_name).get(module.rpartition(".")[2], [])
        if f".{_dotted(path)}".endswith(f".{module}")
    ]
    if not candidates:
        return None
    best = min(candidates, key=lambda path: (-_shared(path, near), path.count("/"), path))
    return project.one(PythonFile, best)


def find_owner(project: Project, name: str, near: str = "") -> tuple[PythonFile, str] | None:
    """Return the file that the dotted *name* lies in, and what is left of the name there."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        file = find(project, ".".join(parts[:count]), near)
        if file is not None:
            return file, ".".join(parts[count:])
    return None


def _dotted(path: str) -> str:
    return names(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _shared(path: str, near: str) -> int:
    count = 0
    for ours, theirs in zip(path.split("/")[:-1], near.split("/")[:-1], strict=False):
        if ours != theirs:
            break
        count += 1
    return count
