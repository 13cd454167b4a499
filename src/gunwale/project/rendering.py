"""A chart's template with values put in, as far as they can be known without Helm, and each line's origin."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gunwale.project.facts import Place, Source, UnreadableError
from gunwale.project.syntax.go_functions import UNKNOWN, call, is_true, shown
from gunwale.project.syntax.go_template import DEEPEST, Action, Block, Part, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_STEPS = 20_000
_A_STEP = 200  # characters
_LARGEST = 2**20  # characters
_CONSTANTS = {"true": True, "false": False, "nil": None}


@dataclass(frozen=True, slots=True)
class Rendered(Source):
    """What a template comes to; *origins*: of each of its lines, the template's line that makes it."""

    origins: tuple[int, ...] = ()

    def at(self, line: int, column: int = 1) -> Place:
        """Return the place in the template."""
        known = 0 < line <= len(self.origins)
        return Place(self.path, self.origins[line - 1] if known else 1, column if known else 1)


@dataclass(slots=True)
class Scope:
    """What a template sees: *root* ($), its *dot* and *variables*, the *named* templates of the chart."""

    root: Any
    dot: Any
    named: Mapping[str, tuple[Part, ...]]
    variables: dict[str, Any] = field(default_factory=dict)
    depth: int = 0
    budget: list[int] = field(default_factory=lambda: [_MOST_STEPS])

    def inner(self, dot: Any) -> Scope:
        """Return the scope of a block whose dot is *dot*; its variables are the same ones."""
        return Scope(self.root, dot, self.named, self.variables, self.depth, self.budget)

    def called(self, dot: Any) -> Scope:
        """Return the scope of a named template."""
        if self.depth >= DEEPEST:
            raise UnreadableError("a template that includes itself")
        return Scope(dot, dot, self.named, {}, self.depth + 1, self.budget)

    def spend(self, characters: int = 0) -> None:
        """Count one step, and one for every so many characters; a template of too many is given up."""
        self.budget[0] -= 1 + characters // _A_STEP
        if self.budget[0] < 0:
            raise UnreadableError(f"a template of more than {_MOST_STEPS} steps")


def render(path: str, parts: tuple[Part, ...], scope: Scope) -> Rendered:
    """Render a whole template."""
    text, origins, size = [""], [1], 0
    for piece, line in _rendered(parts, scope):
        size += len(piece.text)
        if size > _LARGEST:
            raise UnreadableError(f"a template that comes to more than {_LARGEST} characters")
        for number, each in enumerate(piece.text.split("\n")):
            here = piece.line + number if piece.is_source else line
            if number:
                text.append("")
                origins.append(here)
            elif not text[-1].strip():
                origins[-1] = here
            text[-1] += each
    return Rendered(path, "\n".join(text), tuple(origins))


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    line: int
    is_source: bool  # its lines are the template's own


def _rendered(parts: tuple[Part, ...], scope: Scope) -> Iterator[tuple[_Piece, int]]:
    for part in parts:
        scope.spend(len(part.text) if isinstance(part, Text) else 0)
        if isinstance(part, Text):
            yield _Piece(part.text, part.line, is_source=True), part.line
        elif isinstance(part, Action):
            yield _Piece(_put_in(part, scope), part.line, is_source=False), part.line
        elif part.kind == "if":
            test = _value(part.words, scope)
            yield from _rendered(part.body if is_true(test) else part.other, scope)
        elif part.kind == "with":
            found = _value(part.words, scope)
            is_known = found is not UNKNOWN and is_true(found)
            yield from _rendered(
                part.body if is_known else part.other, scope.inner(found) if is_known else scope
            )
        elif part.kind == "range":
            yield from _repeated(part, scope)


def _repeated(part: Block, scope: Scope) -> Iterator[tuple[_Piece, int]]:
    names, given = _assigned(part.words)
    found = _value(given, scope)
    items = (
        list(found.items())
        if isinstance(found, dict)
        else list(enumerate(found))
        if isinstance(found, list)
        else []
    )
    if not items:
        yield from _rendered(part.other, scope)
    for key, value in items:
        inner = scope.inner(value)
        inner.variables = scope.variables | dict(zip(names[::-1], (value, key), strict=False))
        yield from _rendered(part.body, inner)


def _assigned(words: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
    """Return the variables that ``$a, $b := …`` sets, and what they are set to."""
    for sign in (":=", "="):
        if sign in words:
            at = words.index(sign)
            return [each for each in words[:at] if each != ","], words[at + 1 :]
    return [], words


def _put_in(part: Action, scope: Scope) -> str:
    names, given = _assigned(part.words)
    if names:
        scope.variables[names[0]] = _value(given, scope)
        return ""
    if part.words[0] == "template":
        return shown(_included(_arguments(list(part.words[1:]), scope), scope))
    return shown(_value(part.words, scope))


def _value(words: tuple[str, ...], scope: Scope) -> Any:
    """Return what a pipeline comes to."""
    rest = list(words)
    found = _pipeline(rest, scope)
    return found if not rest else UNKNOWN


def _pipeline(rest: list[str], scope: Scope) -> Any:
    found = _command(rest, scope, [])
    while rest and rest[0] == "|":
        rest.pop(0)
        found = _command(rest, scope, [found])
    return found


def _command(rest: list[str], scope: Scope, piped: list[Any]) -> Any:
    """Take one command off *rest*: a value, or a function with its arguments."""
    scope.spend()
    if not rest or rest[0] in ("|", ")"):
        return UNKNOWN
    first = rest[0]
    is_value = first == "(" or first[0] in '".`$-0123456789' or first in _CONSTANTS
    if is_value:
        found = _operand(rest, scope)
        others = _arguments(rest, scope)
        return UNKNOWN if others or piped else found
    rest.pop(0)
    arguments = _arguments(rest, scope) + piped
    if first == "include":
        return _included(arguments, scope)
    if first == "tpl":
        return arguments[0] if arguments and "{{" not in shown(arguments[0]) else UNKNOWN
    if first in ("and", "or"):
        wanted = first == "or"
        return next(
            (each for each in arguments[:-1] if is_true(each) is wanted), (arguments or [UNKNOWN])[-1]
        )
    return call(first, arguments)


def _arguments(rest: list[str], scope: Scope) -> list[Any]:
    found = []
    while rest and rest[0] not in ("|", ")"):
        found.append(_operand(rest, scope))
    return found


def _operand(rest: list[str], scope: Scope) -> Any:
    word = rest.pop(0)
    if word != "(":
        return _single(word, scope)
    scope.depth += 1
    if scope.depth > DEEPEST:
        raise UnreadableError(f"a template nested deeper than {DEEPEST}")
    found = _pipeline(rest, scope)
    scope.depth -= 1
    if rest[:1] == [")"]:
        rest.pop(0)
    has_field = bool(rest) and rest[0].startswith(".") and len(rest[0]) > 1
    return _field(found, rest.pop(0)) if has_field else found


def _single(word: str, scope: Scope) -> Any:
    """Return what one word means: a constant, a string, a field, a variable, a number."""
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    if word[0] in '"`':
        return _string(word)
    if word[0] in ".$":
        name, _, path = word.partition(".")
        start = {"": scope.dot, "$": scope.root}.get(name, scope.variables.get(name, UNKNOWN))
        return _field(start, path) if path else start
    try:
        return int(word)
    except ValueError:
        return UNKNOWN


def _string(word: str) -> Any:
    if word[0] == "`":
        return word[1:-1]
    try:
        return json.loads(word)
    except ValueError:
        return UNKNOWN


def _field(start: Any, path: str) -> Any:
    found = start
    for name in path.removeprefix(".").split("."):
        if found is UNKNOWN:
            return UNKNOWN
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _included(arguments: list[Any], scope: Scope) -> Any:
    """Return the text of a named template; UNKNOWN where the chart has none of the name."""
    name = arguments[0] if arguments else None
    parts = scope.named.get(name) if isinstance(name, str) else None
    if parts is None:
        return UNKNOWN
    inner = scope.called(arguments[1] if len(arguments) > 1 else None)
    pieces = [piece.text for piece, _ in _rendered(parts, inner)]
    if sum(map(len, pieces)) > _LARGEST:
        raise UnreadableError(f"a template that comes to more than {_LARGEST} characters")
    return "".join(pieces)
