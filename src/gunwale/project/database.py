"""The connections a worker's pool opens at most, and those the project's own database allows."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given
from gunwale.project.python.configuration import settings
from gunwale.project.python.values import value
from gunwale.project.readers.compose import Compose
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, of_production, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

# SQLAlchemy's QueuePool.
_POOL_SIZE, _MAX_OVERFLOW = 5, 10
_MAKERS = ("sqlalchemy.create_engine", "flask_sqlalchemy.SQLAlchemy")
_LIMIT = re.compile(r"max[_-]connections[= ]+(\d+)")


class Pool(NamedTuple):
    """The *size* of a pool, its overflow put in, and where it is made or set."""

    size: int
    at: Place


class Limit(NamedTuple):
    """The connections a database allows, and where that is said."""

    allowed: int
    at: Place


def pool(project: Project) -> Pool | None:
    """Return SQLAlchemy's pool where its numbers are known; None where there is none, or they are not."""
    made = next(_engines(project), None)
    if made is None:
        return None
    file, call = made
    given: dict[str, Given[object] | None] = {"pool_size": None, "max_overflow": None}
    at = file.at(call)
    for name, where, node in _options(project, file, call):
        if name == "poolclass":
            return None
        if name in given:
            found = value(project, where, node)
            if not isinstance(found, Given) or found.variables or not isinstance(found.value, int):
                return None
            given[name], at = found, found.at
    size, overflow = given["pool_size"], given["max_overflow"]
    total = int(str(size.value)) if size is not None else _POOL_SIZE
    extra = int(str(overflow.value)) if overflow is not None else _MAX_OVERFLOW
    return None if total <= 0 or extra < 0 else Pool(total + extra, at)


def limits(project: Project) -> Limit | None:
    """Return what a database service of production is told to allow, the lowest of several."""
    files = {each.path: each for each in project.of(Compose)}
    found = []
    for path in of_production(files):
        for service in files[path].services:
            node = service.get("command")
            text = " ".join(node.texts() or [node.text or ""]) if node is not None else ""
            match = _LIMIT.search(text)
            if node is not None and match is not None:
                found.append(Limit(int(match[1]), node.at))
    return min(found, default=None)


def _engines(project: Project) -> Iterator[tuple[PythonFile, ast.Call]]:
    for file in project.of(PythonFile):
        if role(file.path) is not Role.DEVELOPMENT:
            for call in file.calls:
                if call.name in _MAKERS:
                    yield file, call.node


def _options(
    project: Project, file: PythonFile, call: ast.Call
) -> Iterator[tuple[str, PythonFile, ast.expr]]:
    """Yield what the engine is told: by its call, or by the settings that Flask-SQLAlchemy reads."""
    for keyword in call.keywords:
        if keyword.arg == "engine_options" and isinstance(keyword.value, ast.Dict):
            yield from ((name, file, node) for name, node in _pairs(keyword.value))
        elif keyword.arg is not None:
            yield keyword.arg, file, keyword.value
    for setting in project.derive(settings):
        if setting.name == "SQLALCHEMY_ENGINE_OPTIONS" and isinstance(setting.node, ast.Dict):
            yield from ((name, setting.file, node) for name, node in _pairs(setting.node))
        elif setting.name in ("SQLALCHEMY_POOL_SIZE", "SQLALCHEMY_MAX_OVERFLOW"):
            yield setting.name.removeprefix("SQLALCHEMY_").lower(), setting.file, setting.node


def _pairs(node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    for key, given in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant):
            yield str(key.value), given
