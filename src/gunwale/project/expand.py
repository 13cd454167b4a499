"""Variables in texts, as Docker, compose and the shell write them: $X, ${X}, ${X:-default}, $$."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^{}]*)\})"
)


class Expanded(NamedTuple):
    """A *text* with its variables put in; *variables* may say otherwise, *missing* have no value at all."""

    text: str
    variables: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def expand(text: str, values: Mapping[str, str]) -> Expanded:
    """Put *values* into *text*; a variable without one keeps its place unless it has a default."""
    if "$" not in text:
        return Expanded(text)
    variables: list[str] = []
    missing: list[str] = []

    def put(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["name"] or match["braced"]
        variables.append(name)
        operator = re.match(r":?[-+?]", match["rest"] or "")
        word = match["rest"][operator.end() :] if operator else ""
        given = values.get(name)
        is_given = given is not None and not (operator and operator[0].startswith(":") and given == "")
        if operator and operator[0].endswith("+"):
            return word if is_given else ""
        if given is not None and is_given:
            return given
        if operator and operator[0].endswith("-"):
            return word
        missing.append(name)
        return match[0]

    found = _VARIABLE.sub(put, text)
    return Expanded(found, tuple(variables), tuple(missing))
