"""Which class, module or text an expression comes to in an environment: how configuration is chosen.

Every way it may go is followed, so the answer is a list; `Unknown` among it says that there may be others.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Unknown
from gunwale.project.python.callers import Where, arguments
from gunwale.project.python.modules import find, find_owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.model import Project
    from gunwale.project.readers.python import PythonFile

_DEEPEST = 12
_MOST = 24  # choices of one expression: beyond, it is not known
_UNKNOWN = Unknown("not followed")
_ASKING = ("os.environ.get", "os.getenv", "environ.get", "getenv")
_DEBUG_FLAG = ("flask.helpers.get_debug_flag", "flask.app.get_debug_flag")
_CASES = ("lower", "upper", "title", "capitalize", "strip")


class Reference(NamedTuple):
    """A class of the project, or with an empty *name* the whole module."""

    file: PythonFile
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A dict display: its entries by key, evaluated when asked for."""

    where: Where
    entries: Mapping[str, ast.expr]


@dataclass(frozen=True, slots=True, eq=False)
class Chooser:
    """Expressions as one start evaluates them.

    *environ*: what is known to be set (None: to what is not known); *is_open*: others may be set, unseen.
    *application* is how the server is told it ("shop:create_app('prod')"); *entry*, the file it begins with.
    """

    project: Project
    environ: Mapping[str, str | None]
    is_open: bool
    application: str = ""
    entry: PythonFile | None = None

    def choices(self, where: Where, node: ast.expr, depth: int = 0) -> list[object]:
        """Return what *node* may come to: texts, other constants, `Reference`s, and Unknown."""
        if depth > _DEEPEST:
            return [_UNKNOWN]
        found = list(dict.fromkeys(self._choices(where, node, depth + 1)))
        return found if len(found) <= _MOST else [_UNKNOWN]

    def truth(self, where: Where, test: ast.expr) -> bool | None:
        """Return whether a test holds, or None where it may go either way."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.truth(where, operand)
                return None if inner is None else not inner
            case ast.BoolOp(op=operator, values=values):
                several = [self.truth(where, each) for each in values]
                decisive = isinstance(operator, ast.Or)
                if decisive in several:
                    return decisive
                return None if None in several else not decisive
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as operator], comparators=[right]):
                ours, theirs = self._one(where, left), self._one(where, right)
                if ours is _UNKNOWN or theirs is _UNKNOWN:
                    return None
                return (ours == theirs) == isinstance(operator, ast.Eq)
            case _:
                found = self._one(where, test)
                return None if found is _UNKNOWN else bool(found)

    def _one(self, where: Where, node: ast.expr) -> object:
        found = self.choices(where, node)
        return found[0] if len(found) == 1 and not isinstance(found[0], Unknown) else _UNKNOWN

    def _choices(self, where: Where, node: ast.expr, depth: int) -> Iterator[object]:  # noqa: C901, PLR0912 - one case a kind of syntax
        match node:
            case ast.Constant(value=value):
                yield value
            case ast.Name() | ast.Attribute():
                yield from self._named(where, node, depth)
            case ast.JoinedStr(values=parts):
                plain = [each.value if isinstance(each, ast.FormattedValue) else each for each in parts]
                yield from self._joined(where, plain, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._joined(where, [left, right], depth)
            case ast.BoolOp(op=ast.Or(), values=values):
                yield from self._either(where, values, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                is_true = self.truth(where, test)
                if is_true is not False:
                    yield from self.choices(where, body, depth)
                if is_true is not True:
                    yield from self.choices(where, orelse, depth)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                yield _Table(where, {str(k.value): v for k, v in pairs if isinstance(k, ast.Constant)})
            case ast.Subscript(value=owner, slice=key):
                if where.file.name(owner) in ("os.environ", "environ"):
                    yield from self._asked(where, key, None, depth, is_required=True)
                else:
                    yield from self._looked_up(where, owner, key, None, depth)
            case ast.Call():
                yield from self._called(where, node, depth)
            case _:
                yield _UNKNOWN

    def _joined(self, where: Where, parts: list[ast.expr], depth: int) -> Iterator[object]:
        texts: list[str | None] = [""]
        for part in parts:
            ends = self.choices(where, part, depth)
            texts = [
                None if text is None or not isinstance(end, str | int) else f"{text}{end}"
                for text in texts[:_MOST]
                for end in ends
            ]
        for text in texts:
            yield _UNKNOWN if text is None else text

    def _either(self, where: Where, values: list[ast.expr], depth: int) -> Iterator[object]:
        for each in values:
            found = self.choices(where, each, depth)
            yield from (one for one in found if isinstance(one, Unknown) or one)
            if all(one and not isinstance(one, Unknown) for one in found):
                return

    def _named(self, where: Where, node: ast.expr, depth: int) -> Iterator[object]:
        if isinstance(node, ast.Name) and node.id == "__name__":
            yield Reference(where.file)
            return
        if isinstance(node, ast.Name) and where.function:
            local = list(self._local(where, node.id, depth))
            if local:
                yield from local
                return
        yield from self._resolved(where.file, where.file.name(node), depth)

    def _local(self, where: Where, name: str, depth: int) -> Iterator[object]:
        function = where.file.functions.get(where.function)
        if function is None:
            return
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        if name in [each.arg for each in parameters]:
            yield from self._parameter(where, function, name, depth)
        for each in ast.walk(function):
            if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    yield from self.choices(where, each.value, depth)

    def _resolved(self, file: PythonFile, name: str, depth: int) -> Iterator[object]:
        """Yield what a dotted name means in *file*: a class, a module, an assigned value."""
        if not name:
            yield _UNKNOWN
            return
        owner: tuple[PythonFile, str] | None = (file, name)
        if not _defines(file, name):
            module = (
                find(self.project, name, file.path) if "." in name or name in file.imports.values() else None
            )
            if module is not None:
                yield Reference(module)
                return
            owner = find_owner(self.project, name, file.path)
        if owner is None:
            yield _UNKNOWN
            return
        home, rest = owner
        if rest in home.classes:
            yield Reference(home, rest)
        elif rest in home.assigned:
            yield from self.choices(Where(home), home.assigned[rest], depth)
        else:
            class_, _, attribute = rest.rpartition(".")
            node = home.classes.get(class_)
            given = body_value(node, attribute) if node is not None else None
            yield from self.choices(Where(home), given, depth) if given is not None else [_UNKNOWN]

    def _parameter(
        self, where: Where, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, depth: int
    ) -> Iterator[object]:
        positional = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        given = list(arguments(self.project, self.application, self.entry, where, (positional, name)))
        for caller, node in given:
            yield from self.choices(caller, node, depth)
        defaults = dict(
            zip(reversed(positional), reversed(function.args.defaults), strict=False),
        ) | {
            each.arg: default
            for each, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
            if default is not None
        }
        if not given and name in defaults:
            yield from self.choices(Where(where.file), defaults[name], depth)
        elif not given:
            yield _UNKNOWN

    def _called(self, where: Where, node: ast.Call, depth: int) -> Iterator[object]:
        name = where.file.name(node.func)
        given = [*node.args, *(each.value for each in node.keywords)]
        if name in _DEBUG_FLAG:
            yield from self._debug_flag()
        elif name in _ASKING and given:
            yield from self._asked(where, given[0], given[1] if len(given) > 1 else None, depth)
        elif name == "dict":
            yield _Table(where, {each.arg: each.value for each in node.keywords if each.arg})
        elif name == "os.path.join" and given:  # files are found by their names
            yield from self.choices(where, given[-1], depth)
        elif name.rpartition(".")[2] in ("import_string", "str") and given:
            yield from self.choices(where, given[0], depth)
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "get" and given:
            default = given[1] if len(given) > 1 else None
            yield from self._looked_up(where, node.func.value, given[0], default, depth)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _CASES and not given:
            for each in self.choices(where, node.func.value, depth):
                yield getattr(each, node.func.attr)() if isinstance(each, str) else _UNKNOWN
        else:
            yield from self._returned(where, node.func, name, depth)

    def _debug_flag(self) -> Iterator[object]:
        """Yield what Flask makes of FLASK_DEBUG: off where production does not set it."""
        given = self.environ.get("FLASK_DEBUG", "")
        yield _UNKNOWN if given is None else given.lower() not in ("", "0", "false", "no")

    def _returned(self, where: Where, called: ast.expr, name: str, depth: int) -> Iterator[object]:
        """Yield what a function of the project returns, or the class that is called."""
        owner = (where.file, name) if _defines(where.file, name) else None
        owner = owner or (find_owner(self.project, name, where.file.path) if "." in name else None)
        function = owner[0].functions.get(owner[1]) if owner is not None else None
        if owner is None or function is None:
            for each in self.choices(where, called, depth):
                yield each if isinstance(each, Reference) else _UNKNOWN
            return
        for each in ast.walk(function):
            if isinstance(each, ast.Return) and each.value is not None:
                yield from self.choices(Where(*owner), each.value, depth)

    def _asked(
        self, where: Where, key: ast.expr, default: ast.expr | None, depth: int, *, is_required: bool = False
    ) -> Iterator[object]:
        for name in self.choices(where, key, depth):
            if isinstance(name, str) and name in self.environ:
                given = self.environ[name]
                yield _UNKNOWN if given is None else given
                continue
            if is_required or self.is_open or not isinstance(name, str):
                yield _UNKNOWN
            if not is_required:
                yield from self.choices(where, default, depth) if default is not None else [None]

    def _looked_up(
        self, where: Where, owner: ast.expr, key: ast.expr, default: ast.expr | None, depth: int
    ) -> Iterator[object]:
        keys = self.choices(where, key, depth)
        for table in self.choices(where, owner, depth):
            if not isinstance(table, _Table):
                yield _UNKNOWN
                continue
            for each in keys:
                if isinstance(each, Unknown):
                    yield _UNKNOWN
                elif str(each) in table.entries:
                    yield from self.choices(table.where, table.entries[str(each)], depth)
                elif default is not None:
                    yield from self.choices(where, default, depth)


def body_value(node: ast.ClassDef, name: str) -> ast.expr | None:
    """Return what a class's body assigns to *name*, last."""
    found = None
    for each in node.body:
        if isinstance(each, ast.Assign | ast.AnnAssign) and each.value is not None:
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                found = each.value
    return found


def _defines(file: PythonFile, name: str) -> bool:
    first = name.partition(".")[0]
    return name in file.assigned or name in file.functions or first in file.classes
