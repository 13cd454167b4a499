"""What the platforms' health checks ask of the application: their paths, and the functions that answer."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.health import checks
from gunwale.project.ports import is_alone, listeners
from gunwale.project.python.routes import Route, brings_others, prefixes, routes
from gunwale.project.python.values import text
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts
from gunwale.project.target_groups import behind, target_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

TARGET_GROUP = "the target group"
_OWN = ("", "localhost", "127.0.0.1", "0.0.0.0", "[::1]")  # noqa: S104 - read in a URL


class Asked(NamedTuple):
    """One path that is asked of *start*: *by* whom, and where that is written."""

    path: str
    at: Place
    by: str
    start: Start


def asked(project: Project) -> tuple[Asked, ...]:
    """Return every path that a check asks of the application's own server."""
    found = []
    for start in project.derive(web_starts):
        ports = {each.port for each in listeners(start) or ()}
        for each in checks(start) if is_alone(start) else ():
            request = each.request
            is_own = request is not None and request.host in _OWN and "$" not in request.path
            if request is not None and is_own and (not ports or not request.port or request.port in ports):
                found.append(Asked(request.path, each.at, each.by, start))
    return (*found, *_by_target_groups(project))


def answering(project: Project, each: Asked) -> list[Route] | None:
    """Return the routes that may answer; None where what answers is not all known."""
    image = each.start.launch.image
    folder = f"{image.context}/" if image is not None and image.context not in ("", ".") else ""
    ours = [route for route in project.derive(routes) if route.file.path.startswith(folder)]
    if not ours or project.derive(brings_others) or any(route.rule is None for route in ours):
        return None
    known = project.derive(prefixes)
    return [route for route in ours if route.answers(each.path, known)]


def views(project: Project, *by: str) -> Iterator[tuple[Asked, Route]]:
    """Yield what is asked *by* one of these with each route that may answer it, where all are known."""
    for each in project.derive(asked):
        for route in (answering(project, each) or ()) if each.by in by else ():
            yield each, route


def redirecting(project: Project, each: Asked) -> Route | None:
    """Return the route that sends the path on to itself with a slash, where no other answers it."""
    known, answers = project.derive(prefixes), answering(project, each)
    if known is None or not answers or is_answered_before(project, each.path):
        return None
    if any("strict_slashes" in file.source.text for file in project.of(PythonFile)):
        return None
    if not all(any(route.redirects(each.path, prefix) for prefix in known) for route in answers):
        return None
    # A prefix is the route's own where the same file gives it; another blueprint's it need not have.
    own = [route for route in answers if any(route.redirects(each.path, one) for one in _own(project, route))]
    return own[0] if own else None


def _own(project: Project, route: Route) -> set[str]:
    nodes = [call.argument("url_prefix") for call in route.file.calls]
    written = [text(project, route.file, node) for node in nodes if node is not None]
    return {"", *(each.rstrip("/") for each in written if each)}


def is_named(project: Project, path: str) -> bool:
    """Whether any source says *path* besides: a hook before requests, a middleware."""
    word = path.strip("/")
    return bool(word) and any(word in file.source.text for file in project.of(PythonFile))


def is_answered_before(project: Project, path: str) -> bool:
    """Whether a hook before requests or a middleware may answer *path*, before Flask looks at the Host."""
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        hooks = {file.name(call.node.args[0]) for call in file.calls if is_hook(call.name) and call.node.args}
        for name, function in file.functions.items():
            decorated = any(is_hook(file.name(_called(each))) for each in function.decorator_list)
            words = {each.value for each in ast.walk(function) if isinstance(each, ast.Constant)}
            if "PATH_INFO" in words or ((decorated or name in hooks) and words & {path, path.strip("/")}):
                return True
    return False


def is_hook(name: str) -> bool:
    """Whether the dotted *name* is what registers a function to run before each request."""
    return name.endswith((".before_request", ".before_app_request"))


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _by_target_groups(project: Project) -> Iterator[Asked]:
    for group in project.derive(target_groups):
        start, path = behind(project, group), group.path
        if start is not None and path is not None and (path.text or "").startswith("/"):
            yield Asked(path.text or "", path.at, TARGET_GROUP, start)
