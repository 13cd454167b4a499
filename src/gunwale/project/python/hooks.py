"""What runs before the routes: functions before each request, and middlewares that read the path."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.model import Project


def is_hook(name: str) -> bool:
    """Whether the dotted *name* is what registers a function to run before each request."""
    return name.endswith((".before_request", ".before_app_request"))


def is_answered_before(project: Project, path: str) -> bool:
    """Whether a hook before requests or a middleware may answer *path*, before Flask looks at the Host."""
    said = project.derive(_said_before)
    return said is None or not said.isdisjoint({path, path.strip("/")})


def is_named(project: Project, path: str) -> bool:
    """Whether any source says *path* besides: a hook before requests, a middleware."""
    word = path.strip("/")
    return bool(word) and any(word in file.source.text for file in project.of(PythonFile))


def _said_before(project: Project) -> frozenset[object] | None:
    """Return every constant of the hooks, their paths among them; None where a middleware takes any path."""
    said: set[object] = set()
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        hooks = {file.name(call.node.args[0]) for call in file.calls if is_hook(call.name) and call.node.args}
        for name, function in file.functions.items():
            decorated = any(is_hook(file.name(_called(each))) for each in function.decorator_list)
            words = {each.value for each in ast.walk(function) if isinstance(each, ast.Constant)}
            if "PATH_INFO" in words:
                return None
            said |= words if decorated or name in hooks else set()
    return frozenset(said)


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node
