"""What the application's configuration is set to, by every way Flask offers, on the production path."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given
from gunwale.project.python.applications import applications
from gunwale.project.python.callers import Where
from gunwale.project.python.choice import Reference
from gunwale.project.python.chosen import choosers, chosen
from gunwale.project.python.modules import find_owner
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile, walk
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunwale.project.facts import Place, Unknown
    from gunwale.project.model import Project

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# A dict that has one of these is a configuration, whatever it is called.
_FLASKS = {"SECRET_KEY", "SQLALCHEMY_DATABASE_URI", "SESSION_COOKIE_SECURE"}
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
            found += _in_tables(project, file)
    for reference in project.derive(chosen).references:
        found += _of_object(project, reference)
    # What several classes inherit is one setting.
    return tuple({id(each.node): each for each in reversed(found)}.values())[::-1]


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
    if not any(word in file.source.text for word in ("config", *_ATTRIBUTES, *_FLASKS)):
        return
    for node in _run(project, file):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                name = _target(project, target)
                if name:
                    yield _in_function(project, _setting(project, file, name, node.value, "app.config"))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            is_config = isinstance(owner, ast.Attribute) and owner.attr == "config"
            if is_config and node.func.attr in ("update", "from_mapping", "setdefault"):
                yield from _arguments(project, file, node)
        elif isinstance(node, ast.Call) and any(_is_configuration(each) for each in node.args):
            yield from _arguments(project, file, node)


def _is_configuration(node: ast.expr) -> bool:
    """Whether it is a dict of Flask's own settings, as factories are given."""
    keys = node.keys if isinstance(node, ast.Dict) else []
    return any(isinstance(key, ast.Constant) and key.value in _FLASKS for key in keys)


def _run(project: Project, file: PythonFile) -> Iterator[ast.AST]:
    """Yield the nodes of *file*; what stands below ``if __name__ == …`` only where the file itself is run."""
    is_run = any(file.path == step.at.path for start in project.derive(web_starts) for step in start.steps)
    for statement in file.tree.body:
        if is_run or not (isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)):
            yield from walk(statement)


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


def _in_tables(project: Project, file: PythonFile) -> Iterator[Setting]:
    """Yield what dicts at the top level say that hold Flask's own settings: defaults to be put in later."""
    for name, node in file.assigned.items():
        if isinstance(node, ast.Dict):
            keys = [str(key.value) if isinstance(key, ast.Constant) else "" for key in node.keys]
            if _FLASKS & set(keys) and all(map(_NAME.fullmatch, keys)):
                for key, given in zip(keys, node.values, strict=True):
                    yield _setting(project, file, key, given, name)


def _of_object(project: Project, reference: Reference) -> Iterator[Setting]:
    """Yield what a class or module of configuration says; what its bases say where it is silent."""
    file, name = reference
    if not name:
        yield from _body(project, file, file.tree.body, file.path.rpartition("/")[2])
        return
    said: set[str] = set()
    lineage = list(_lineage(project, reference))
    # pydantic: a field is read from the variable of its name, what is written is the default.
    is_from_environment = any(
        ast.unparse(base).endswith("BaseSettings")
        for home, class_ in lineage
        for base in home.classes[class_].bases
    )
    for home, class_ in lineage:
        body = home.classes[class_].body
        own = [*_made(project, home, body, class_), *_body(project, home, body, class_)]
        if is_from_environment:
            own = [_with_variable(each) for each in own]
        yield from (each for each in own if each.name not in said)
        said |= {each.name for each in own}


def _with_variable(setting: Setting) -> Setting:
    given = setting.value
    if not isinstance(given, Given):
        return setting
    return setting._replace(value=Given(given.value, given.at, (*given.variables, setting.name)))


def _lineage(project: Project, reference: Reference) -> Iterator[Reference]:
    """Yield the class and those it inherits from, the strongest first."""
    pending, seen = [reference], set()
    while pending:
        each = pending.pop(0)
        if each in seen:
            continue
        seen.add(each)
        yield each
        for base in each.file.classes[each.name].bases:
            name = each.file.name(base)
            owner = (each.file, name) if name in each.file.classes else None
            owner = owner or (find_owner(project, name, each.file.path) if "." in name else None)
            if owner is not None and owner[1] in owner[0].classes:
                pending.append(Reference(*owner))


def _body(project: Project, file: PythonFile, body: list[ast.stmt], owner: str) -> Iterator[Setting]:
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and _NAME.fullmatch(target.id):
                    yield _setting(project, file, target.id, node.value, owner)


def _made(project: Project, file: PythonFile, body: list[ast.stmt], owner: str) -> Iterator[Setting]:
    """Yield what ``__init__`` sets on the instance, which is what such a class is loaded as."""
    made = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    for node in made[-1].body if made else ():
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                is_own = isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
                if isinstance(target, ast.Attribute) and is_own and _NAME.fullmatch(target.attr):
                    yield _setting(project, file, target.attr, node.value, owner)


def _setting(project: Project, file: PythonFile, name: str, node: ast.expr, owner: str) -> Setting:
    return Setting(name, value(project, file, node), node, file, file.at(node), owner)


def _in_function(project: Project, setting: Setting) -> Setting:
    """Put in what a parameter of the factory is given, where every start of production gives it the same."""
    if isinstance(setting.value, Given):
        return setting
    around = [
        (node.lineno, name)
        for name, node in setting.file.functions.items()
        if node.lineno <= setting.node.lineno <= (node.end_lineno or 0)
    ]
    if not around:
        return setting
    where = Where(setting.file, max(around)[1])
    found = {each for chooser in project.derive(choosers) for each in chooser.choices(where, setting.node)}
    only = found.pop() if len(found) == 1 else None
    if not isinstance(only, str | int | bytes):
        return setting
    return setting._replace(value=Given(only, setting.at))


def is_overridden(project: Project, given: Given[object]) -> bool:
    """Whether every start of production sets a variable that is asked before the source's own value."""
    return is_set_by_all(project, given.variables)


def is_set_by_all(project: Project, variables: Iterable[str]) -> bool:
    """Whether every start of production sets one of *variables*, to whatever."""
    names = set(variables)
    return bool(names) and all(names & chooser.environ.keys() for chooser in project.derive(choosers))
