"""The few operations, functions and methods that configuration files compute their values with."""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LARGEST = 10**9  # a value beyond is no setting, and 9**9**9 would never end


class UnknowableError(Exception):
    """A value that only running the file would tell, with the reason."""


def _bounded(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: object, right: object) -> object:
        for side in (left, right):
            if isinstance(side, int | float) and abs(side) > _LARGEST:
                raise UnknowableError("a number too large for a setting")
        if function is operator.pow and not (isinstance(right, int) and 0 <= right <= 8):
            raise UnknowableError("a power that is not followed")
        if function is operator.mul and not all(isinstance(side, int | float) for side in (left, right)):
            raise UnknowableError("a repetition that is not followed")
        if function is operator.mod and isinstance(left, str):
            raise UnknowableError("a % format that is not followed")
        return function(left, right)

    return apply


OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: _bounded(operator.add),
    ast.Sub: _bounded(operator.sub),
    ast.Mult: _bounded(operator.mul),
    ast.Div: _bounded(operator.truediv),
    ast.FloorDiv: _bounded(operator.floordiv),
    ast.Mod: _bounded(operator.mod),
    ast.Pow: _bounded(operator.pow),
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.str": str,
    "builtins.bool": bool,
    "builtins.max": max,
    "builtins.min": min,
    "builtins.round": round,
    "builtins.abs": abs,
    "builtins.len": len,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
}
_METHODS = (
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "split",
    "startswith",
    "endswith",
    "isdigit",
    "replace",
)


def compare(left: object, operators: Sequence[ast.cmpop], others: Sequence[object]) -> bool:
    """Compare in a chain, as Python does."""
    for each, right in zip(operators, others, strict=True):
        if not _COMPARISONS[type(each)](left, right):
            return False
        left = right
    return True


def call_builtin(path: str, arguments: Sequence[object]) -> object:
    """Call the function of that dotted *path*, if it is one of the few."""
    if path not in _FUNCTIONS:
        raise UnknowableError(f"{path.removeprefix('builtins.')}() is not followed")
    return _FUNCTIONS[path](*arguments)


def call_method(owner: object, name: str, arguments: Sequence[object]) -> object:
    """Call a method of a text, if it is one of the few."""
    if not isinstance(owner, str) or name not in _METHODS:
        raise UnknowableError(f".{name}() is not followed")
    return getattr(owner, name)(*arguments)
