"""The functions of Helm's templates that charts of one application use, on values that may be unknown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class _Unknown:
    """What only a cluster, or a function that is not known here, would tell."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()
_VERB = re.compile(r"%[svd]")
LARGEST = 2**18  # characters of one value
_MOST_PARTS = 10_000


def is_true(value: Any) -> bool:
    """Whether Go's templates take *value* for true; what is unknown is, so that its block is read."""
    return value is UNKNOWN or bool(value)


def shown(value: Any) -> str:
    """Return what *value* is put in as; a variable in place of what is unknown."""
    if value is UNKNOWN or isinstance(value, dict | list):
        return "$UNKNOWN"
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def call(name: str, arguments: list[Any]) -> Any:
    """Return what the function *name* makes of *arguments*."""
    if name == "default" and len(arguments) == 2:
        return arguments[1] if is_true(arguments[1]) else arguments[0]
    if name == "coalesce":
        return next((each for each in arguments if is_true(each)), None)
    if name in ("nindent", "indent", "toYaml") and arguments[-1:] == [UNKNOWN]:
        return ""  # lines of which nothing is known: none
    function = _FUNCTIONS.get(name)
    if function is None or any(each is UNKNOWN for each in arguments) or not _are_small(arguments):
        return UNKNOWN
    try:
        found = function(*arguments)
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, OverflowError):
        return UNKNOWN
    return UNKNOWN if isinstance(found, str) and len(found) > LARGEST else found


def _are_small(arguments: list[Any]) -> bool:
    """Whether *arguments* are of a size that charts have: aliases of YAML can make a few lines endless."""
    pending, count, characters = list(arguments), 0, 0
    while pending:
        each = pending.pop()
        count += 1
        if isinstance(each, str):
            characters += len(each)
        elif isinstance(each, dict | list):
            pending += each.values() if isinstance(each, dict) else each
        if count + len(pending) > _MOST_PARTS or characters > LARGEST:
            return False
    return True


def _replaced(old: str, new: str, text: str) -> str:
    if text.count(old) * len(new) > LARGEST:
        raise ValueError(text)
    return text.replace(old, new)


def _to_yaml(value: Any) -> str:
    import yaml

    text = str(yaml.safe_dump(value, default_flow_style=False, sort_keys=False))
    return text.removesuffix("...\n").rstrip("\n")


def _indent(width: int, text: str) -> str:
    if not 0 <= width <= 100:
        raise ValueError(width)
    return "\n".join(f"{' ' * width}{line}" for line in text.split("\n"))


def _printf(form: str, *values: Any) -> str:
    rest = iter(values)
    return _VERB.sub(lambda _: shown(next(rest, UNKNOWN)), form)


def _quoted(value: Any) -> str:
    return "" if value is None else json.dumps(shown(value), ensure_ascii=False)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "quote": _quoted,
    "squote": lambda value: "'" + shown(value).replace("'", "''") + "'",
    "toYaml": _to_yaml,
    "toJson": json.dumps,
    "indent": _indent,
    "nindent": lambda width, text: "\n" + _indent(width, text),
    "printf": _printf,
    "print": lambda *values: "".join(map(shown, values)),
    "trunc": lambda count, text: text[:count] if count >= 0 else text[count:],
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
    "trimPrefix": lambda prefix, text: text.removeprefix(prefix),
    "trim": lambda text: text.strip(),
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "replace": _replaced,
    "contains": lambda part, text: part in text,
    "hasPrefix": lambda part, text: text.startswith(part),
    "hasSuffix": lambda part, text: text.endswith(part),
    "hasKey": lambda table, key: key in table,
    "toString": shown,
    "int": lambda value: int(value or 0),
    "int64": lambda value: int(value or 0),
    "float64": lambda value: float(value or 0),
    "len": len,
    "list": lambda *values: list(values),
    "required": lambda _message, value: value if is_true(value) else UNKNOWN,
    "ternary": lambda yes, no, test: yes if test else no,
    "empty": lambda value: not value,
    "not": lambda value: not value,
    "eq": lambda first, *others: first in others,
    "ne": lambda first, other: first != other,
    "gt": lambda first, other: first > other,
    "ge": lambda first, other: first >= other,
    "lt": lambda first, other: first < other,
    "le": lambda first, other: first <= other,
    "add": lambda *values: sum(values),
    "mul": lambda first, other: first * other if max(abs(first), abs(other)) < LARGEST else UNKNOWN,
    "kindIs": lambda kind, value: (
        {"map": dict, "slice": list, "string": str}.get(kind, type(None)) is type(value)
    ),
}
