"""The words of a command that Python code runs, put together as scripts do it: lists, joins, f-strings.

A part that is not known stands as $unknown, so that what asks for it finds it unknown too.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.launch import given, split
from gunwale.project.python.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.launch import Words
    from gunwale.project.model import Project
    from gunwale.project.readers.python import Call, PythonFile

_UNKNOWN = "$unknown"
_DEEPEST = 6
_PLACEHOLDER = re.compile(r"%[sdr]|\{[^{}]*\}")


def command_words(project: Project, file: PythonFile, call: Call) -> Words | None:
    """Return the words that *call*, of os or subprocess, runs; None where they cannot be told at all."""
    if call.name.startswith("os.execl"):
        return given([_text(project, file, each) for each in call.node.args[1:]], call.at)
    node = call.argument("args", 1 if call.name.startswith("os.exec") else 0)
    if node is None:
        return None
    at = file.at(_written(file, node))
    words = _words(project, file, node, 0)
    if words is not None:
        return given(words, at)
    line = _text(project, file, node)
    if line == _UNKNOWN:
        return None
    is_shell = call.name == "os.system" or call.argument("shell") is not None
    return given(["sh", "-c", line] if is_shell else split(line), at)


def _words(project: Project, file: PythonFile, node: ast.expr, depth: int) -> list[str] | None:
    """Return the words of a list; None for what is none."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, ast.List | ast.Tuple):
        found: list[str] = []
        for each in node.elts:
            if isinstance(each, ast.Starred):
                found += _words(project, file, each.value, depth + 1) or []
            else:
                found.append(_text(project, file, each))
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = _words(project, file, node.left, depth + 1)
        return left + (_words(project, file, node.right, depth + 1) or []) if left is not None else None
    if isinstance(node, ast.Name):
        return _built(project, file, node, depth)
    if isinstance(node, ast.Call) and file.name(node.func) == "shlex.split" and node.args:
        line = _text(project, file, node.args[0])
        return None if line == _UNKNOWN else split(line)
    return None


def _built(project: Project, file: PythonFile, name: ast.Name, depth: int) -> list[str] | None:
    """Return a list that was assigned to *name* above, with all that was added to it since."""
    found: list[str] | None = None
    for node in sorted(_above(file, name), key=lambda each: each.lineno):
        if isinstance(node, ast.Assign):
            found = _words(project, file, node.value, depth + 1)
        elif isinstance(node, ast.AugAssign) and found is not None:
            found += _words(project, file, node.value, depth + 1) or []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and found is not None:
            if node.func.attr == "append" and node.args:
                found.append(_text(project, file, node.args[0]))
            elif node.func.attr == "extend" and node.args:
                found += _words(project, file, node.args[0], depth + 1) or []
    return found


def _above(file: PythonFile, name: ast.Name) -> Iterator[ast.Assign | ast.AugAssign | ast.Call]:
    """Yield what assigns or adds to *name* above it."""
    for node in file.nodes:
        if not isinstance(node, ast.Assign | ast.AugAssign | ast.Call) or node.lineno >= name.lineno:
            continue
        owners: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            owners = node.targets
        elif isinstance(node, ast.AugAssign):
            owners = [node.target]
        elif isinstance(node.func, ast.Attribute):
            owners = [node.func.value]
        if any(_is(each, name) for each in owners):
            yield node


def _is(node: ast.expr, name: ast.Name) -> bool:
    return isinstance(node, ast.Name) and node.id == name.id


def _text(project: Project, file: PythonFile, node: ast.expr) -> str:
    """Return the text *node* comes to, unknown parts as $unknown."""
    found = value(project, file, node)
    if isinstance(found, Given) and isinstance(found.value, str | int):
        return str(found.value)
    if isinstance(node, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.FormattedValue) else each for each in node.values]
        return "".join(_text(project, file, each) for each in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant) and isinstance(node.op, ast.Mod):
        return _PLACEHOLDER.sub(_UNKNOWN, str(node.left.value))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        return _of_method(project, file, node.func, node.args[0])
    assigned = _assigned(file, node)
    return _text(project, file, assigned) if assigned is not None else _UNKNOWN


def _of_method(project: Project, file: PythonFile, method: ast.Attribute, argument: ast.expr) -> str:
    if method.attr == "join":
        words = _words(project, file, argument, 1)
        return " ".join(words) if words is not None else _UNKNOWN
    if method.attr == "format" and isinstance(method.value, ast.Constant):
        return _PLACEHOLDER.sub(_UNKNOWN, str(method.value.value))
    return _UNKNOWN


def _assigned(file: PythonFile, node: ast.expr) -> ast.expr | None:
    """Return what was last assigned to the name *node* above it."""
    if not isinstance(node, ast.Name):
        return None
    plain = [each for each in _above(file, node) if isinstance(each, ast.Assign)]
    return max(plain, key=lambda each: each.lineno).value if plain else None


def _written(file: PythonFile, node: ast.expr) -> ast.expr:
    """Return the expression that the command is written in: through joins and names."""
    for _ in range(_DEEPEST):
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        inner = node.args[0] if is_method and isinstance(node, ast.Call) else _assigned(file, node)
        if isinstance(node, ast.BinOp):
            inner = node.left
        if inner is None:
            break
        node = inner
    return node
