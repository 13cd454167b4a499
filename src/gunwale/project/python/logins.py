"""What wants a login before it answers: views by their decorators, or a hook before every request."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunwale.project.python.applications import applications
from gunwale.project.python.hooks import is_hook
from gunwale.project.readers.python import PythonFile, walk
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.python.routes import Route

_WANTING = re.compile(
    r"(?:.*\.)?(?:(?:fresh_)?login_required|jwt_required|fresh_jwt_required|auth_required|token_required|"
    r"requires_auth|require_login|roles_required|roles_accepted|permission_required|admin_required)"
)
_ASKS_WHO = re.compile(r"(?:.*\.)?current_user\.is_authenticated|(?:.*\.)?session(?:\.get)?")
# What a hook looks at that lets some requests through.
_EXEMPTING = frozenset(
    [
        "endpoint",
        "path",
        "full_path",
        "blueprint",
        "blueprints",
        "url_rule",
        "view_functions",
        "url",
        "headers",
    ]
)


def login_wanted(project: Project, routes: Sequence[Route]) -> Place | None:
    """Return where a login is wanted of whoever asks for any of *routes*; None where one may do without."""
    wanting, guard = [_wants(route) for route in routes], project.derive(_guard)
    if not routes or (guard is None and not all(wanting)):
        return None
    return wanting[0] or guard


def _wants(route: Route) -> Place | None:
    """Return the decorator of *route* that wants a login; one with arguments may say that it need not be."""
    for each in route.function.decorator_list if route.function else ():
        node = each.func if isinstance(each, ast.Call) else each
        is_plain = not isinstance(each, ast.Call) or not any(key.arg == "optional" for key in each.keywords)
        if is_plain and _WANTING.fullmatch(route.file.name(node)):
            return route.file.at(each)
    return None


def _guard(project: Project) -> Place | None:
    """Return the hook before every request of the application that refuses whoever is not signed in."""
    names = {each.name for each in project.derive(applications)} | {"app"}
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT or "before_request" not in file.source.text:
            continue
        for function in file.functions.values():
            hooks = [file.name(each) for each in function.decorator_list]
            owners = {hook.rpartition(".")[0].rpartition(".")[2] for hook in hooks if is_hook(hook)}
            is_for_all = any(each in names and not _is_blueprint(file, each) for each in owners)
            if is_for_all and _refuses(file, function):
                return file.at(function)
    return None


def _is_blueprint(file: PythonFile, name: str) -> bool:
    """Whether *name* is a blueprint of the file, whose hooks are for its own views."""
    made = file.assigned.get(name)
    return isinstance(made, ast.Call) and file.name(made.func).endswith("Blueprint")


def _refuses(file: PythonFile, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    nodes = walk(function)
    asking = [file.name(node) for node in nodes if isinstance(node, ast.Attribute)]
    if not any(_ASKS_WHO.fullmatch(name) for name in asking if name):
        return False
    if any(isinstance(node, ast.Attribute) and node.attr in _EXEMPTING for node in nodes):
        return False
    called = {file.name(node.func).rpartition(".")[2] for node in nodes if isinstance(node, ast.Call)}
    return bool(called & {"abort", "redirect", "unauthorized"})
