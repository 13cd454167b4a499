"""What a function of the project is called with: by the server that is told so, by its module, by others."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.python.modules import find_owner
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project


class Where(NamedTuple):
    """Where an expression stands: its file, and the qualified name of the function around it or ""."""

    file: PythonFile
    function: str = ""


def arguments(
    project: Project,
    application: str,
    entry: PythonFile | None,
    where: Where,
    parameter: tuple[list[str], str],
) -> Iterator[tuple[Where, ast.expr]]:
    """Yield what calls of the function *where* give a *parameter* (all positional names, and its own).

    The strongest alone: *application*, as a server is told it ("shop:create_app('prod')"); else the calls in
    *entry*, the file the server begins with; else those of all production code.
    """
    positional, name = parameter
    last = where.function.rpartition(".")[2]
    told = _call_of(application.partition(":")[2])
    if told is not None and isinstance(told.func, ast.Name) and told.func.id == last:
        calls = [(Where(where.file), told)]
    else:
        calls = _calls(project, entry, where.file, last)
    for caller, call in calls:
        given = {each.arg: each.value for each in call.keywords} | dict(
            zip(positional, call.args, strict=False)
        )
        node = given.get(name)
        if node is not None and not isinstance(node, ast.Starred):
            yield caller, node


def _calls(
    project: Project, entry: PythonFile | None, home: PythonFile, function: str
) -> list[tuple[Where, ast.Call]]:
    others = [file for file in project.of(PythonFile) if role(file.path) is not Role.DEVELOPMENT]
    for several in ([entry] if entry is not None else [], others):
        found = [
            (Where(file, ".".join(call.scope)), call.node)
            for file in several
            for call in file.calls
            if call.name.rpartition(".")[2] == function and _is_of(project, file, call.name, home)
        ]
        if found:
            return found
    return []


def _is_of(project: Project, file: PythonFile, name: str, home: PythonFile) -> bool:
    """Whether *name*, called in *file*, is of *home*: defined there, or imported by a package from there."""
    if "." not in name:
        return file is home
    owner = find_owner(project, name, file.path)
    return owner is not None and (owner[0] is home or owner[1] in owner[0].imports)


def _call_of(text: str) -> ast.Call | None:
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return node if isinstance(node, ast.Call) else None
