"""Python source as its syntax tree, with imports and calls resolved to dotted names; nothing is imported."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.facts import Place, Source

TOPIC = "server"
# A file that says none of these tells rules nothing: reading 5,000 files stays cheap.
# Looked for one by one in lower case: an expression that ignores case takes 30 times as long.
_RELEVANT = (
    *("flask", "werkzeug", "waitress", "gevent", "gunicorn", "secret_key", "sqlalchemy_", "session_cookie"),
    *("trusted_hosts", "create_engine", "psycopg", "pymysql", "mysqldb", "mysql.connector", "mongoclient"),
)
_SETTINGS = re.compile(r"config|settings", re.IGNORECASE)
_RELEVANT_WORD = re.compile(r"debug\b(?!\()|_password\b")  # not logger.debug(…)
# Fields of syntax nodes that hold no node, or an operator or a context, which no fact is made of.
_PLAIN = frozenset(
    [
        *("arg", "asname", "attr", "conversion", "ctx", "id", "is_async", "kind", "kwd_attrs", "level"),
        *("module", "op", "ops", "rest", "simple", "str", "type_comment", "type_ignores"),
    ]
)


def _parts(node: type[ast.AST]) -> tuple[str, ...]:
    """Return the fields of such a node that nodes are in."""
    if issubclass(node, ast.Constant | ast.MatchSingleton | ast.Global | ast.Nonlocal):
        return ()
    is_named_by_text = node.__name__ != "TypeAlias"
    return tuple(
        name for name in node._fields if name not in _PLAIN and not (name == "name" and is_named_by_text)
    )


_PARTS: dict[type, tuple[str, ...]] = {
    node: _parts(node) for node in vars(ast).values() if isinstance(node, type) and issubclass(node, ast.AST)
}


class Call(NamedTuple):
    """One call: its dotted *name* as imports resolve it, and what it stands in.

    *scope*: names of the enclosing functions and classes, outermost first; *tests*: the conditions of the
    enclosing ``if``s and conditional expressions, outermost first; *is_main*: below ``if __name__ == …``.
    """

    name: str
    node: ast.Call
    at: Place
    scope: tuple[str, ...]
    tests: tuple[ast.expr, ...]
    is_main: bool

    def argument(self, name: str, position: int | None = None) -> ast.expr | None:
        """Return the argument given by *name* or at *position*."""
        for each in self.node.keywords:
            if each.arg == name:
                return each.value
        plain = [each for each in self.node.args if not isinstance(each, ast.Starred)]
        return plain[position] if position is not None and position < len(plain) else None


@dataclass(frozen=True, eq=False)  # no slots: what is asked of few files is worked out when asked
class PythonFile:
    """One module: its *tree*, *imports* (local name → dotted name).

    *calls* are in order, *assigned* the expressions of plain top-level assignments, *functions* and *classes*
    the definitions by qualified name ("Config", "create_app", "Cls.method").
    """

    path: str
    source: Source
    tree: ast.Module
    imports: Mapping[str, str]
    calls: tuple[Call, ...]
    assigned: Mapping[str, ast.expr]
    functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]
    classes: Mapping[str, ast.ClassDef]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree, as `walk` has them."""
        return walk(self.tree)

    def at(self, node: ast.AST) -> Place:
        """Return where *node* begins."""
        return self.source.at(getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def name(self, node: ast.expr) -> str:
        """Return the dotted name of *node* as imports resolve it; "" for what is no name."""
        return dotted(node, self.imports)


def is_one(path: str) -> bool:
    """Tell by the name."""
    return path.endswith(".py")


def is_relevant(source: Source) -> bool:
    """Whether the file says anything that facts are made of."""
    text = source.text.lower()
    if "password" in text and _SETTINGS.search(source.path.rpartition("/")[2]):
        return True
    return any(word in text for word in _RELEVANT) or (
        ("debug" in text or "_password" in text) and _RELEVANT_WORD.search(text) is not None
    )


def walk(node: ast.AST) -> list[ast.AST]:
    """Return *node* and all below it in the order of ast.walk, sooner: without contexts and operators."""
    found: list[ast.AST | None] = [node]
    for each in found:
        for name in _PARTS.get(each.__class__, ()):
            part = getattr(each, name, None)
            if part.__class__ is list:
                found += part
            elif part is not None:
                found.append(part)
    return [each for each in found if each is not None]


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly below *node* in their order."""
    found: list[ast.AST | None] = []
    for name in _PARTS[node.__class__]:
        part = getattr(node, name, None)
        if part.__class__ is list:
            found += part
        elif part is not None:
            found.append(part)
    # A key of {**other} and the default of an argument that has none are None.
    return [each for each in found if each is not None]


def read(source: Source) -> PythonFile:
    """Parse one file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the project's own code: an invalid escape is not our matter
            tree = ast.parse(source.text)
        index = _Index(source)
        index.block(tree.body, _Around())
    except SyntaxError as error:
        raise UnreadableError("not Python, or of a newer version", error.lineno or 0) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"not parsed: {type(error).__name__}") from error
    index.calls.sort(key=lambda call: (call.at.line, call.at.column))
    return PythonFile(
        source.path,
        source,
        tree,
        index.imports,
        tuple(index.calls),
        index.assigned,
        index.functions,
        index.classes,
    )


def dotted(node: ast.expr, imports: Mapping[str, str]) -> str:
    """Return the dotted name of *node* by *imports*; "" for what is no name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call):  # Flask(…).run, create_app().run
        inner = dotted(node.func, imports)
        return ".".join([f"{inner}()", *reversed(parts)]) if inner else ""
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([imports.get(node.id, node.id), *reversed(parts)])


class _Around(NamedTuple):
    scope: tuple[str, ...] = ()
    tests: tuple[ast.expr, ...] = ()
    is_main: bool = False


@dataclass(slots=True)
class _Index:
    source: Source
    imports: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)

    def block(self, body: list[ast.stmt], around: _Around) -> None:
        """Index imports of the whole block first: a call may stand before them in a nested function."""
        for node in body:
            self._import(node)
        for node in body:
            self._statement(node, around)

    def _statement(self, node: ast.stmt, around: _Around) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._definition(node, around)
        elif isinstance(node, ast.If):
            self._expressions(node.test, around)
            is_main = around.is_main or _is_main(node.test)
            tests = around.tests if _is_main(node.test) else (*around.tests, node.test)
            self.block(node.body, around._replace(tests=tests, is_main=is_main))
            self.block(node.orelse, around._replace(tests=tests))
        else:
            if not around.scope:
                self._assignment(node)
            for child in children(node):
                if isinstance(child, ast.stmt):
                    self.block([child], around)
                elif isinstance(child, ast.ExceptHandler | ast.match_case):
                    self.block(child.body, around)
                else:
                    self._expressions(child, around)

    def _definition(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, around: _Around
    ) -> None:
        for each in node.decorator_list:
            self._expressions(each, around)
        inner = around._replace(scope=(*around.scope, node.name))
        if isinstance(node, ast.ClassDef):
            self.classes[".".join(inner.scope)] = node
        else:
            self.functions[".".join(inner.scope)] = node
            self._expressions(node.args, around)
        self.block(node.body, inner)

    def _assignment(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    self.assigned[target.id] = node.value

    def _expressions(self, node: ast.AST, around: _Around) -> None:
        if not _PARTS[node.__class__]:
            return  # most are names and constants
        for each in walk(node):
            if isinstance(each, ast.Call) and (name := dotted(each.func, self.imports)):
                at = self.source.at(each.lineno, each.col_offset + 1)
                self.calls.append(Call(name, each, at, *around))

    def _import(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                self.imports[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(self.source.path, node.module or "", node.level)
            for alias in node.names:
                self.imports[alias.asname or alias.name] = f"{base}.{alias.name}".lstrip(".")


def _absolute(path: str, module: str, level: int) -> str:
    """Return the module of a relative import, from the project's root."""
    if not level:
        return module
    parts = path.removesuffix(".py").split("/")
    above = parts[: len(parts) - level]
    return ".".join([*above, module] if module else above)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and any(
        isinstance(each, ast.Name) and each.id == "__name__" for each in walk(test)
    )
