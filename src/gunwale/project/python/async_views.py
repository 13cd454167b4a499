"""Views that are coroutines: Flask runs each in a loop of its own, through asgiref."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project

_ROUTING = frozenset({"route", "get", "post", "put", "patch", "delete"})
_HOOKS = frozenset({"before_request", "after_request", "teardown_request", "errorhandler"})


class AsyncView(NamedTuple):
    """One coroutine that Flask calls: a view, or a hook of every request."""

    file: PythonFile
    node: ast.AsyncFunctionDef
    at: Place


def async_views(project: Project) -> tuple[AsyncView, ...]:
    """Return the coroutines that production code registers with Flask; Quart's are another matter."""
    return tuple(
        AsyncView(file, node, file.at(node))
        for file in project.of(PythonFile)
        if role(file.path) is not Role.DEVELOPMENT and _is_flask(file)
        for node in file.functions.values()
        if isinstance(node, ast.AsyncFunctionDef) and any(map(_registers, node.decorator_list))
    )


def _is_flask(file: PythonFile) -> bool:
    roots = {name.partition(".")[0] for name in file.imports.values()}
    return "flask" in roots and not roots & {"quart", "fastapi", "sanic", "starlette", "litestar"}


def _registers(decorator: ast.expr) -> bool:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
        return isinstance(decorator, ast.Attribute) and decorator.attr in _ROUTING | _HOOKS
    return isinstance(decorator, ast.Attribute) and decorator.attr in _HOOKS
