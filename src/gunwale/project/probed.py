"""What the platforms' health checks ask of the application: their paths, and the functions that answer."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.containers import Task
from gunwale.project.health import checks
from gunwale.project.ports import is_alone, listeners
from gunwale.project.python.routes import Route, brings_others, prefixes, routes
from gunwale.project.readers.ecs_task import EcsFile, get
from gunwale.project.readers.python import PythonFile
from gunwale.project.readers.terraform import Terraform
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start_path import Start

TARGET_GROUP = "the target group"
_OWN = ("", "localhost", "127.0.0.1", "0.0.0.0", "[::1]")  # noqa: S104 - read in a URL
_ASKING = re.compile(
    r"(?:^|\.)(?:session|engine|db|conn|connection|cursor|cur|redis\w*|cache|mongo\w*|client)\."
    r"(?:execute|scalar|scalars|query|ping|connect|raw_connection|command|server_info|session\.execute)$|"
    r"(?:psycopg2?|pymysql|MySQLdb|mysql\.connector|asyncpg|cx_Oracle|pyodbc)\.connect$"
)


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


def is_named(project: Project, path: str) -> bool:
    """Whether any source says *path* besides: a hook before requests, a middleware."""
    word = path.strip("/")
    return bool(word) and any(word in file.source.text for file in project.of(PythonFile))


def dependency(route: Route) -> ast.Call | None:
    """Return the call by which *route* asks a database or another service, itself or one function on."""
    pending, seen = [route.function], set()
    while pending:
        function = pending.pop()
        if function is None or function.name in seen:
            continue
        seen.add(function.name)
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                name = route.file.name(node.func)
                if _ASKING.search(name):
                    return node
                pending.append(route.file.functions.get(name) if len(seen) == 1 else None)
    return None


def _by_target_groups(project: Project) -> Iterator[Asked]:
    tasks = [each for each in project.derive(web_starts) if isinstance(each.launch.platform, Task)]
    for port, path, at in _target_groups(project):
        behind = [start for start in tasks if port in _ports(start)]
        if len(behind) == 1 and path.startswith("/"):
            yield Asked(path, at, TARGET_GROUP, behind[0])


def _target_groups(project: Project) -> Iterator[tuple[str, str, Place]]:
    for file in project.of(Terraform):
        for block in file.resources("aws_lb_target_group"):
            port, path = block.node.get("port"), block.node.get("health_check", "path")
            if port is not None and path is not None:
                yield port.text or "", path.text or "", path.at
    for each in project.of(EcsFile):
        for resource in each.resources:
            port, path = get(resource.node, "port"), get(resource.node, "healthCheckPath")
            if resource.kind == "target-group" and port is not None and path is not None:
                yield port.text or "", path.text or "", path.at


def _ports(start: Start) -> set[str]:
    found = {each.port for each in listeners(start) or ()}
    image, platform = start.launch.image, start.launch.platform
    if isinstance(platform, Task):
        mappings = get(platform.node, "portMappings")
        for each in mappings.elements if mappings else ():
            port = get(each, "containerPort")
            found |= {port.text} if port is not None and port.text else set()
    for instruction in image.instructions("EXPOSE") if image else ():
        found |= {word.partition("/")[0] for word in instruction.value.split()}
    return found
