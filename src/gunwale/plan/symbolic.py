"""What a Python configuration file says, by evaluating its syntax tree: nothing of it is ever executed.

What cannot be known without running it is `Unknown`, with its line and the reason; nothing is guessed.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gunwale.plan.arithmetic import OPERATORS, UnknowableError, call_builtin, call_method, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IMPORTABLE = ("os", "multiprocessing", "math")
_CPU_COUNTS = ("os.cpu_count", "multiprocessing.cpu_count")


class Unknown(NamedTuple):
    """A value that only running the file would tell: its *line* and *why*."""

    line: int
    why: str


class Known(NamedTuple):
    """A value and the *line* it was given on."""

    value: object
    line: int


class _Dotted(str):
    """A name of an imported module, or of something in it: "os.environ"."""

    __slots__ = ()


@dataclass(slots=True)
class Reader:
    """The names of one file, read top to bottom with *environ* as its environment."""

    environ: Mapping[str, str]
    cpu_count: int = field(default_factory=lambda: os.cpu_count() or 1)
    names: dict[str, Known | Unknown] = field(default_factory=dict)
    everything_else: Unknown | None = None

    def setting(self, name: str) -> Known | Unknown | None:
        """Return what the file gives *name*; None where it gives nothing."""
        found = self.names.get(name, self.everything_else)
        if isinstance(found, Known) and isinstance(found.value, _Dotted):
            return Unknown(found.line, f"{found.value.removeprefix('builtins.')} is not followed")
        return found

    def read(self, statements: Iterable[ast.stmt]) -> None:
        """Read *statements* in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:  # noqa: C901, PLR0912 - one case a kind of statement
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, node.lineno)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value, node.lineno)
            case ast.AugAssign(target=ast.Name(id=name), op=operator, value=value):
                sum_ = ast.BinOp(left=ast.Name(id=name, ctx=ast.Load()), op=operator, right=value)
                self._assign(
                    node.target, ast.copy_location(ast.fix_missing_locations(sum_), node), node.lineno
                )
            case ast.If(test=test, body=body, orelse=orelse):
                self._branch(node, test, body, orelse)
            case ast.Import(names=aliases):
                for alias in aliases:
                    bound = alias.asname or alias.name.partition(".")[0]
                    self._import(bound, alias.name, node.lineno)
            case ast.ImportFrom(module=module, names=aliases):
                for alias in aliases:
                    if alias.name == "*":
                        self.everything_else = Unknown(node.lineno, f"from {module or '.'} import *")
                    else:
                        self._import(alias.asname or alias.name, f"{module}.{alias.name}", node.lineno)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self.names[name] = Unknown(node.lineno, "a function or class")
            case ast.Expr(value=ast.Call(func=func)):
                self._called_for_its_effect(func, node.lineno)
            case _:
                self._forget(node, f"assigned inside {type(node).__name__.lower()}")

    def _import(self, bound: str, path: str, line: int) -> None:
        if path.partition(".")[0] in _IMPORTABLE:
            self.names[bound] = Known(_Dotted(path), line)
        else:
            self.names[bound] = Unknown(line, f"imported from {path}")

    def _called_for_its_effect(self, func: ast.expr, line: int) -> None:
        owner = func
        while isinstance(owner, ast.Attribute | ast.Subscript):
            owner = owner.value
        if isinstance(owner, ast.Name) and owner is not func:
            known = self.names.get(owner.id)
            if not (isinstance(known, Known) and isinstance(known.value, _Dotted)):
                self.names[owner.id] = Unknown(line, "changed by a call")
        elif isinstance(func, ast.Name) and func.id in ("exec", "execfile"):
            self.everything_else = Unknown(line, f"{func.id}()")

    def _branch(self, node: ast.If, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        try:
            is_taken = bool(self.value(test, is_plain=True))
        except UnknowableError as error:
            self._forget(node, f"depends on a test that is not known: {error}")
        else:
            self.read(body if is_taken else orelse)

    def _forget(self, node: ast.stmt, why: str) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store | ast.Del):
                self.names[each.id] = Unknown(each.lineno, why)
            elif isinstance(each, ast.Subscript | ast.Attribute) and isinstance(
                each.ctx, ast.Store | ast.Del
            ):
                self._called_for_its_effect(each, each.lineno)

    def _assign(self, target: ast.expr, value: ast.expr, line: int) -> None:
        pair = (target, value)
        if all(isinstance(side, ast.Tuple | ast.List) for side in pair):
            parts = [side.elts for side in pair if isinstance(side, ast.Tuple | ast.List)]
            if len(parts[0]) == len(parts[1]):
                for each, part in zip(*parts, strict=True):
                    self._assign(each, part, line)
                return
        if not isinstance(target, ast.Name):
            self._forget(ast.Assign(targets=[target], value=value), "assigned in a way that is not followed")
            self._called_for_its_effect(target, line)
            return
        try:
            self.names[target.id] = Known(self.value(value), line)
        except UnknowableError as error:
            self.names[target.id] = Unknown(line, str(error))

    def value(self, node: ast.expr, *, is_plain: bool = False) -> object:
        """Evaluate one expression; UnknowableError where only running it would tell.

        *is_plain*: it must be a value, not the name of a module or function.
        """
        try:
            return self._plain(node) if is_plain else self._value(node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UnknowableError(f"{ast.unparse(node)}: {error}") from error

    def _value(self, node: ast.expr) -> object:  # noqa: C901, PLR0911, PLR0912 - one case a kind of syntax
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=owner, attr=attribute):
                return self._attribute(self._value(owner), attribute, node)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [self._plain(each) for each in elements]
            case ast.BinOp(left=left, op=operator, right=right):
                return OPERATORS[type(operator)](self._plain(left), self._plain(right))
            case ast.UnaryOp(op=operator, operand=operand):
                return OPERATORS[type(operator)](self._plain(operand))
            case ast.BoolOp(op=operator, values=values):
                return self._boolean(operator, values)
            case ast.Compare(left=left, ops=operators, comparators=others):
                return compare(self._plain(left), operators, [self._plain(other) for other in others])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if self._plain(test) else orelse)
            case ast.JoinedStr(values=values):
                return "".join(self._formatted(each) for each in values)
            case ast.Call(func=func, args=arguments, keywords=keywords):
                return self._call(node, func, arguments, keywords)
            case ast.Subscript(value=owner, slice=index):
                return self._subscript(self._value(owner), self._plain(index))
            case _:
                raise UnknowableError(f"{ast.unparse(node)} is not followed")

    def _name(self, name: str) -> object:
        known = self.names.get(name)
        if isinstance(known, Known):
            return known.value
        if known is not None:
            raise UnknowableError(f"{name}: {known.why}")
        if self.everything_else is not None:
            raise UnknowableError(f"{name}: perhaps of {self.everything_else.why}")
        return _Dotted(f"builtins.{name}")

    def _attribute(self, owner: object, attribute: str, node: ast.expr) -> object:
        if isinstance(owner, _Dotted):
            return _Dotted(f"{owner}.{attribute}")
        raise UnknowableError(f"{ast.unparse(node)} is not followed")

    def _boolean(self, operator: ast.boolop, values: list[ast.expr]) -> object:
        found: object = None
        for each in values:
            found = self._plain(each)
            if bool(found) == isinstance(operator, ast.Or):
                break
        return found

    def _formatted(self, node: ast.expr) -> str:
        if not isinstance(node, ast.FormattedValue):
            return str(self._plain(node))
        if node.format_spec is not None or node.conversion != -1:
            raise UnknowableError("a format specification is not followed")
        return str(self._plain(node.value))

    def _subscript(self, owner: object, index: object) -> object:
        if owner == "os.environ" and isinstance(owner, _Dotted):
            if str(index) not in self.environ:
                raise UnknowableError(f"the environment has no {index}")
            return self.environ[str(index)]
        if isinstance(owner, list | str) and isinstance(index, int) and not isinstance(owner, _Dotted):
            return owner[index]
        raise UnknowableError("a subscript that is not followed")

    def _call(
        self, node: ast.Call, func: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword]
    ) -> object:
        given = [self._plain(each) for each in arguments]
        if keywords and not (len(keywords) == 1 and keywords[0].arg == "default"):
            raise UnknowableError(f"{ast.unparse(node)} is not followed")
        given += [self._plain(keyword.value) for keyword in keywords]
        if isinstance(func, ast.Attribute):
            owner = self._value(func.value)
            if not isinstance(owner, _Dotted):
                return call_method(owner, func.attr, given)
        path = str(self._value(func))
        if path in ("os.environ.get", "os.getenv"):
            return self.environ.get(str(given[0]), given[1] if len(given) > 1 else None)
        if path in _CPU_COUNTS and not given:
            return self.cpu_count
        return call_builtin(path, given)

    def _plain(self, node: ast.expr) -> object:
        value = self._value(node)
        if isinstance(value, _Dotted):
            raise UnknowableError(f"{value.removeprefix('builtins.')} is not followed")
        return value
