"""What the application's configuration is set to, by every way Flask offers, on the production path."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.python.applications import applications
from gunwale.project.python.modules import find_owner
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Given, Place, Unknown
    from gunwale.project.model import Project

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_DEVELOPMENT_CLASS = re.compile(r"dev|test|debug|local|ci(?![a-z])", re.IGNORECASE)
_ATTRIBUTES = {"secret_key": "SECRET_KEY", "debug": "DEBUG", "testing": "TESTING"}


class Setting(NamedTuple):
    """One configuration value: its *name*, its *value*, *at* (of the value), the *owner* that sets it.

    *owner* is "app.config", or the name of a class or module that ``from_object`` reads.
    """

    name: str
    value: Given[object] | Unknown
    node: ast.expr
    file: PythonFile
    at: Place
    owner: str


def settings(project: Project) -> tuple[Setting, ...]:
    """Return every setting that production may read, in no order of strength."""
    found: list[Setting] = []
    for file in project.of(PythonFile):
        if role(file.path) is not Role.DEVELOPMENT:
            found += _in_code(project, file)
            found += _in_objects(project, file)
    return tuple(found)


def named(project: Project, name: str) -> list[Setting]:
    """Return the settings of *name*."""
    return [each for each in project.derive(settings) if each.name == name]


def is_prefixed_env(project: Project) -> bool:
    """Whether the application reads FLASK_ variables (or others) into its configuration."""
    return any(
        call.name.endswith(".config.from_prefixed_env")
        for file in project.of(PythonFile)
        for call in file.calls
    )


def _in_code(project: Project, file: PythonFile) -> Iterator[Setting]:
    """Yield what ``app.config[…] = …``, ``.update()``, ``.from_mapping()`` and ``app.secret_key =`` set."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                name = _target(project, target)
                if name:
                    yield _setting(project, file, name, node.value, "app.config")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            is_config = isinstance(owner, ast.Attribute) and owner.attr == "config"
            if is_config and node.func.attr in ("update", "from_mapping", "setdefault"):
                yield from _arguments(project, file, node)


def _target(project: Project, target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        owner = target.value
        is_config = isinstance(owner, ast.Attribute) and owner.attr == "config"
        return str(target.slice.value) if is_config else ""
    if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
        return ""
    is_application = target.value.id in project.derive(_application_names)
    return _ATTRIBUTES.get(target.attr, "") if is_application else ""


def _application_names(project: Project) -> frozenset[str]:
    return frozenset({each.name for each in project.derive(applications)} | {"app", "application"})


def _arguments(project: Project, file: PythonFile, node: ast.Call) -> Iterator[Setting]:
    for keyword in node.keywords:
        if keyword.arg and _NAME.fullmatch(keyword.arg):
            yield _setting(project, file, keyword.arg, keyword.value, "app.config")
    for each in node.args:
        if isinstance(each, ast.Dict):
            for key, given in zip(each.keys, each.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield _setting(project, file, str(key.value), given, "app.config")


def _in_objects(project: Project, file: PythonFile) -> Iterator[Setting]:
    """Yield what classes and modules say that look like configuration and not like a development one."""
    for name, node in file.classes.items():
        bases = " ".join(ast.unparse(base) for base in node.bases)
        is_config = "config" in f"{name} {bases}".lower() or "settings" in f"{name} {bases}".lower()
        if is_config and not _DEVELOPMENT_CLASS.search(name):
            yield from _body(project, file, node.body, name)
    if file.path in project.derive(_config_modules):
        yield from _body(project, file, file.tree.body, file.path.rpartition("/")[2])


def _body(project: Project, file: PythonFile, body: list[ast.stmt], owner: str) -> Iterator[Setting]:
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and _NAME.fullmatch(target.id):
                    yield _setting(project, file, target.id, node.value, owner)


def _config_modules(project: Project) -> set[str]:
    """Return the paths of the modules that ``from_object`` and ``from_pyfile`` are given."""
    found = set()
    for file in project.of(PythonFile):
        for call in file.calls:
            node = call.argument("obj", 0)
            if call.name.endswith(".config.from_object") and node is not None:
                name = node.value if isinstance(node, ast.Constant) else file.name(node)
                owner = find_owner(project, f"{name}.x", file.path) if isinstance(name, str) else None
                if owner is not None and owner[1] == "x":
                    found.add(owner[0].path)
            elif call.name.endswith(".config.from_pyfile") and call.node.args:
                first = call.node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    name = first.value.rpartition("/")[2]
                    found |= {path for path in project.tree.files if path.rpartition("/")[2] == name}
    return found


def _setting(project: Project, file: PythonFile, name: str, node: ast.expr, owner: str) -> Setting:
    return Setting(name, value(project, file, node), node, file, file.at(node), owner)
