"""Which configuration classes and modules the shipped environment selects, by ``from_object`` and so on."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Unknown
from gunwale.project.python.callers import Where
from gunwale.project.python.choice import Chooser, Reference
from gunwale.project.python.modules import find, find_owner
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.python import Call
    from gunwale.project.start import Start

_DEVELOPMENT_NAME = re.compile(r"dev|test|debug|local|ci(?![a-z])", re.IGNORECASE)
_LOADING = (".config.from_object", ".config.from_pyfile", ".config.from_envvar")


class Chosen(NamedTuple):
    """What production's configuration is read from; *is_certain*: nothing but these, by the shipped files."""

    references: tuple[Reference, ...]
    is_certain: bool


def chosen(project: Project) -> Chosen:
    """Return what the starts of production load; where that is not known, what looks as if for production."""
    found: dict[Reference, None] = {}
    is_certain, is_loading = True, False
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            if not call.name.endswith(_LOADING):
                continue
            is_loading = True
            for chooser in project.derive(choosers):
                for each in _loaded(chooser, file, call):
                    if isinstance(each, Reference):
                        found[each] = None
                    else:
                        is_certain = False
    if is_loading and is_certain and found:
        return Chosen(tuple(found), is_certain=True)
    likely = [each for each in found if not _is_for_development(each)]
    if not likely:
        likely = list(_looking_like_one(project))
    return Chosen(tuple(likely), is_certain=False)


def choosers(project: Project) -> tuple[Chooser, ...]:
    """Return the environment of each start of production; one that knows nothing where there is none."""
    found = [_chooser(project, start) for start in project.derive(web_starts)]
    return tuple(found) or (Chooser(project, {}, is_open=True),)


def _chooser(project: Project, start: Start) -> Chooser:
    environ: dict[str, str | None] = {name: given.value for name, given in start.environ.items()}
    service = start.launch.service
    if service is not None:
        node = service.get("environment")
        named = [key for key, _ in node.items()] if node is not None else []
        named += [(each.text or "").partition("=")[0] for each in node.elements] if node is not None else []
        environ |= {name: None for name in named if name not in environ}
    # Only a service all of whose variables are in sight leaves no other way in.
    is_open = service is None or any(path not in project.tree for path in service.env_files)
    server = start.server
    application = server.application if server is not None else ""
    module = application.partition(":")[0]
    if module.endswith(".py"):
        entry = project.one(PythonFile, module) if module in project.tree else None
    else:
        entry = find(project, module, start.launch.at.path) if module else None
    return Chooser(project, environ, is_open, application, entry)


def _loaded(chooser: Chooser, file: PythonFile, call: Call) -> Iterator[Reference | Unknown]:
    """Yield what one call loads in one environment; nothing where its branch is not taken."""
    where = Where(file, ".".join(call.scope))
    node = call.argument("obj", 0) or call.argument("filename", 0) or call.argument("variable_name", 0)
    if node is None or not _is_reached(chooser, where, call):
        return
    for each in chooser.choices(where, node):
        if call.name.endswith(".from_object"):
            yield from _object(chooser.project, file, each)
        elif call.name.endswith(".from_pyfile"):
            yield from _path(chooser.project, each)
        else:  # from_envvar: the variable holds the path
            given = chooser.environ.get(each) if isinstance(each, str) else None
            if given:
                yield from _path(chooser.project, given)
            elif chooser.is_open or each in chooser.environ:
                yield Unknown("set from outside")


def _object(project: Project, file: PythonFile, each: object) -> Iterator[Reference | Unknown]:
    if isinstance(each, Reference):
        yield each
    elif isinstance(each, str) and each:
        module = find(project, each, file.path)
        owner = find_owner(project, each, file.path)
        if module is not None:
            yield Reference(module)
        elif owner is not None and owner[1] in owner[0].classes:
            yield Reference(*owner)
        elif owner is not None and owner[1] in owner[0].imports:
            yield from _object(project, owner[0], owner[0].imports[owner[1]])
    elif each is not None:
        yield Unknown("not followed")


def _path(project: Project, each: object) -> Iterator[Reference | Unknown]:
    if not isinstance(each, str):
        yield Unknown("not followed")
        return
    name = each.rpartition("/")[2]
    for path in project.tree.files:
        if path.rpartition("/")[2] == name and role(path) is not Role.DEVELOPMENT:
            file = project.one(PythonFile, path)
            if file is not None:
                yield Reference(file)


def _is_reached(chooser: Chooser, where: Where, call: Call) -> bool:
    """Whether no condition around *call* is known to lead elsewhere."""
    for test, is_body in _branches(where.file.tree, call.node):
        found = chooser.truth(where, test)
        if found is not None and found is not is_body:
            return False
    return True


def _branches(tree: ast.Module, wanted: ast.Call) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the tests of the ``if``s around a call, and whether it stands in the body of each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and node.lineno <= wanted.lineno <= (node.end_lineno or 0):
            for is_body, block in ((True, node.body), (False, node.orelse)):
                if any(each is wanted for statement in block for each in ast.walk(statement)):
                    yield node.test, is_body


def _is_for_development(each: Reference) -> bool:
    name = each.name or each.file.path.rpartition("/")[2]
    return bool(_DEVELOPMENT_NAME.search(name)) or role(each.file.path) is Role.DEVELOPMENT


def _looking_like_one(project: Project) -> Iterator[Reference]:
    """Yield the classes that look like configuration and not like a development one."""
    for file in project.of(PythonFile):
        if role(file.path) is not Role.DEVELOPMENT:
            folder, _, module = file.path.rpartition("/")
            is_configuration = re.search("config|settings", f"{folder} {module}", re.IGNORECASE)
            if is_configuration and re.fullmatch(r"prod(?:uction)?\.py", module):
                yield Reference(file)
            for name, node in file.classes.items():
                bases = " ".join(ast.unparse(base) for base in node.bases)
                is_config = re.search("config|settings", f"{name} {bases}", re.IGNORECASE)
                if is_config and not _DEVELOPMENT_NAME.search(name):
                    yield Reference(file, name)
