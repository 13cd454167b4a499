"""What an expression comes to, without running it: across modules, with the environment's defaults."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.plan.arithmetic import UnknowableError
from gunwale.plan.symbolic import Known, Reader
from gunwale.plan.symbolic import Unknown as Unread
from gunwale.project.facts import Given, Unknown
from gunwale.project.python.modules import find_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.readers.python import PythonFile

_DEEPEST = 5
_ASKING = ("os.environ.get", "os.getenv", "environ.get", "getenv")


def value(
    project: Project, file: PythonFile, node: ast.expr | None, *, depth: int = 0
) -> Given[object] | Unknown:
    """Evaluate *node* as the top level of *file* sees it; variables that are not set have their defaults."""
    if node is None:
        return Unknown("not given")
    reader = _reader(project, file, depth)
    of_class = _class_attribute(project, file, node) if depth < _DEEPEST else None
    if of_class is not None:
        return value(project, *of_class, depth=depth + 1)
    try:
        found = reader.value(node, is_plain=True)
    except UnknowableError as error:
        return Unknown(str(error))
    return Given(found, written_at(project, file, node), tuple(dict.fromkeys(variables(project, file, node))))


def written_at(project: Project, file: PythonFile, node: ast.expr) -> Place:
    """Return where the value of *node* is written: a name leads to what was assigned to it."""
    for _ in range(_DEEPEST):
        if isinstance(node, ast.Name) and node.id in file.assigned:
            node = file.assigned[node.id]
        elif name := file.name(node):
            owner = find_owner(project, name, file.path)
            if owner is None or owner[1] not in owner[0].assigned:
                break
            file, node = owner[0], owner[0].assigned[owner[1]]
        else:
            break
    return file.at(node)


def _class_attribute(
    project: Project, file: PythonFile, node: ast.expr
) -> tuple[PythonFile, ast.expr] | None:
    """Return what `Settings.NAME` is set to in the body of a class, here or where it is imported from."""
    name = file.name(node) if isinstance(node, ast.Attribute) else ""
    class_, _, attribute = name.rpartition(".")
    owner = (file, class_) if class_ in file.classes else None
    if owner is None and "." in class_:
        owner = find_owner(project, class_, file.path)
    body = owner[0].classes[owner[1]].body if owner is not None and owner[1] in owner[0].classes else []
    for each in reversed(body):
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None and owner is not None:
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
                return owner[0], each.value
    return None


def text(project: Project, file: PythonFile, node: ast.expr | None) -> str | None:
    """Return the text *node* comes to, or None."""
    found = value(project, file, node)
    return found.value if isinstance(found, Given) and isinstance(found.value, str) else None


def variables(project: Project, file: PythonFile, node: ast.expr, depth: int = 0) -> Iterator[str]:
    """Yield the environment variables that *node* asks, itself or by the names it uses."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and file.name(each.func) in _ASKING and each.args:
            if isinstance(each.args[0], ast.Constant):
                yield str(each.args[0].value)
        elif isinstance(each, ast.Subscript) and file.name(each.value) in ("os.environ", "environ"):
            if isinstance(each.slice, ast.Constant):
                yield str(each.slice.value)
        elif isinstance(each, ast.Name) and depth < _DEEPEST:
            assigned = file.assigned.get(each.id)
            if assigned is not None:
                yield from variables(project, file, assigned, depth + 1)
            elif each.id in file.imports:
                found = find_owner(project, file.imports[each.id], file.path)
                if found is not None and found[1] in found[0].assigned:
                    yield from variables(project, found[0], found[0].assigned[found[1]], depth + 1)


class _Readers:
    """The top level of each file, read once for every depth."""

    def __init__(self, _project: Project) -> None:
        self.read: dict[tuple[str, int], Reader] = {}


def _reader(project: Project, file: PythonFile, depth: int) -> Reader:
    kept = project.derive(_Readers).read
    if (file.path, depth) not in kept:
        kept[file.path, depth] = _read(project, file, depth)
    return kept[file.path, depth]


def _read(project: Project, file: PythonFile, depth: int) -> Reader:
    """Read the top level of *file*, with what it imports from the project put in."""
    reader = Reader(environ={}, cpu_count=1)
    reader.read(file.tree.body)
    if depth < _DEEPEST:
        for local, name in file.imports.items():
            if isinstance(reader.names.get(local), Unread):
                found = _imported(project, file, name, depth)
                if found is not None:
                    reader.names[local] = found
        # Again: what was assigned of an imported name is known now.
        for local, node in file.assigned.items():
            if isinstance(reader.names.get(local), Unread):
                try:
                    reader.names[local] = Known(reader.value(node), node.lineno)
                except UnknowableError:
                    continue
    return reader


def _imported(project: Project, file: PythonFile, name: str, depth: int) -> Known | None:
    owner = find_owner(project, name, file.path)
    if owner is None or owner[1] not in owner[0].assigned:
        return None
    node = owner[0].assigned[owner[1]]
    found = value(project, owner[0], node, depth=depth + 1)
    return Known(found.value, node.lineno) if isinstance(found, Given) else None
