"""The paths that the application's own code answers, and the functions that do."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.python.values import text
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

_ROUTING = ("route", "get", "post", "put", "delete", "patch", "add_url_rule")
_PARAMETER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>")
# What brings routes that no decorator shows.
_OTHERS = re.compile(
    r"^(?:flask_(?:restful|restx|restplus|admin|appbuilder|healthz|smorest|classful|classy|rebar|monitoringdashboard)|"
    r"connexion|apiflask|dash|healthcheck|gunwale|prometheus_flask_exporter|strawberry|graphene|flask_graphql|"
    r"werkzeug\.middleware\.dispatcher|flask_openapi3|airflow|superset|fastapi|starlette)\b"
)


class Route(NamedTuple):
    """One rule as written (None: not known), without a blueprint's prefix, and its *function*, if known."""

    rule: str | None
    file: PythonFile
    function: ast.FunctionDef | ast.AsyncFunctionDef | None
    at: Place

    def answers(self, path: str, prefixes: frozenset[str] | None) -> bool:
        """Whether it may answer *path* below one of *prefixes*, or of any where None is known."""
        if self.rule is None:
            return True
        if prefixes is None:
            return re.fullmatch(rf"(?:/[^?]*)?{_pattern(self.rule)}/?", path) is not None
        return any(re.fullmatch(f"{_pattern(each)}{_pattern(self.rule)}/?", path) for each in prefixes)

    def redirects(self, path: str, prefix: str) -> bool:
        """Whether Werkzeug answers *path* with 308 to the same with a slash: the rule ends in one."""
        rule = f"{prefix}{self.rule}"
        is_without = rule.endswith("/") and rule != "/" and not path.endswith("/")
        return self.rule is not None and is_without and re.fullmatch(_pattern(rule), path) is not None


def routes(project: Project) -> tuple[Route, ...]:
    """Return every route that production code declares."""
    return tuple(
        each
        for file in project.of(PythonFile)
        if role(file.path) is not Role.DEVELOPMENT
        for each in _of_file(project, file)
    )


def prefixes(project: Project) -> frozenset[str] | None:
    """Return the prefixes that blueprints may have, one below another too; None where one is not known."""
    found = set()
    for file in project.of(PythonFile):
        for call in file.calls:
            node = call.argument("url_prefix")
            if node is not None:
                written = text(project, file, node)
                if written is None:
                    return None
                found.add(written.rstrip("/"))
    return frozenset({"", *found} | {f"{one}{other}" for one in found for other in found})


def _pattern(rule: str) -> str:
    written = re.split(_PARAMETER, rule)
    pattern = "".join(
        re.escape(part) if number % 2 == 0 else (".+" if part == "path" else "[^/]+")
        for number, part in enumerate(written)
    )
    return pattern.removesuffix("/")


def brings_others(project: Project) -> bool:
    """Whether something else may answer too: an extension, a middleware, a base class of another package."""
    return any(
        _OTHERS.match(name)
        for file in project.of(PythonFile)
        if role(file.path) is not Role.DEVELOPMENT
        for name in file.imports.values()
    )


def _of_file(project: Project, file: PythonFile) -> Iterator[Route]:
    decorated = set()
    for function in file.functions.values():
        for each in function.decorator_list:
            if _is_routing(each):
                assert isinstance(each, ast.Call)
                decorated.add(id(each))
                yield Route(_rule(project, file, each), file, function, file.at(each))
    for call in file.calls:
        if call.name.endswith(".add_url_rule") and id(call.node) not in decorated:
            yield Route(_rule(project, file, call.node), file, None, call.at)


def _is_routing(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ROUTING


def _rule(project: Project, file: PythonFile, node: ast.Call) -> str | None:
    first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "rule"), None)
    return text(project, file, first)
