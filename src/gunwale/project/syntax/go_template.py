"""Go's templates, as Helm's charts are written: text and actions as a tree, each with its line.

Only read here: what an action puts in is worked out by `gunwale.project.rendering`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from gunwale.project.facts import Source

_TOKEN = re.compile(r"\s+|\"(?:\\.|[^\"\\])*\"|`[^`]*`|:=|[()|,=]|[^\s()|,=:\"`]+|.", re.DOTALL)
_OPENING = ("if", "with", "range", "define", "block")
DEEPEST = 50
_MOST_ENDS = 8  # of "}}" in strings of one action


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it is written, from *line* on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Action:
    """What is put in, by the words of a pipeline."""

    words: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """An if, with, range or define: its *body*, and the *other* one that ``else`` begins."""

    kind: str
    words: tuple[str, ...]
    line: int
    body: tuple[Part, ...]
    other: tuple[Part, ...] = ()


Part = Text | Action | Block


@dataclass(slots=True)
class _Open:
    kind: str
    words: tuple[str, ...]
    line: int
    body: list[Part] = field(default_factory=list)
    other: list[Part] | None = None
    is_chained: bool = False  # by "else if": ended by the same end as the one it stands in

    def close(self) -> Block:
        return Block(self.kind, self.words, self.line, tuple(self.body), tuple(self.other or ()))


def parse(source: Source) -> tuple[Part, ...]:
    """Read a template; UnreadableError where its blocks do not match."""
    top = _Open("", (), 1)
    stack = [top]
    end, line, is_trimmed = 0, 1, False
    while (start := source.text.find("{{", end)) >= 0:
        stop = _end(source.text, start + 2)
        if stop < 0:
            raise UnreadableError("a template: {{ without }}", source.text.count("\n", 0, start) + 1)
        said = source.text[start + 2 : stop]
        is_right = said.startswith("-") and said[1:2].isspace()
        _add_text(stack[-1], source.text[end:start], line, left=is_trimmed, right=is_right)
        line += source.text.count("\n", end, start)
        is_trimmed = said.endswith("-") and said[-2:-1].isspace()
        _take(stack, words(said[is_right : len(said) - is_trimmed]), line)
        end, line = stop + 2, line + said.count("\n")
    _add_text(stack[-1], source.text[end:], line, left=is_trimmed, right=False)
    if len(stack) > 1:
        raise UnreadableError(f"a template: {stack[-1].kind} without an end", stack[-1].line)
    return tuple(top.body)


def _end(text: str, start: int) -> int:
    """Return where the action that begins at *start* ends: at "}}" outside strings, looked for so far."""
    inside = text[start : start + 3].lstrip("- ")
    stop = text.find("*/", start) if inside.startswith("/") else start  # a comment may quote actions
    for _ in range(_MOST_ENDS):
        stop = text.find("}}", stop) if stop >= 0 else stop
        if stop < 0 or inside.startswith("/") or text.count('"', start, stop) % 2 == 0:
            break
        stop += 1
    return stop


def words(text: str) -> tuple[str, ...]:
    """Return the words of an action, strings with their quotes; none for a comment."""
    if text.strip().startswith("/*"):
        return ()
    return tuple(each for each in _TOKEN.findall(text) if not each.isspace())


def _add_text(to: _Open, text: str, line: int, *, left: bool, right: bool) -> None:
    if left:
        kept = text.lstrip()
        line += text[: len(text) - len(kept)].count("\n")
        text = kept
    text = text.rstrip() if right else text
    if text:
        _parts(to).append(Text(text, line))


def _parts(block: _Open) -> list[Part]:
    return block.body if block.other is None else block.other


def _take(stack: list[_Open], said: tuple[str, ...], line: int) -> None:
    first = said[0] if said else ""
    if first in _OPENING:
        if len(stack) > DEEPEST:
            raise UnreadableError(f"a template nested deeper than {DEEPEST}", line)
        stack.append(_Open(first, said[1:], line))
    elif first == "else" and len(stack) > 1:
        stack[-1].other = []
        if said[1:2] in (("if",), ("with",)):
            if len(stack) > DEEPEST:
                raise UnreadableError(f"a template nested deeper than {DEEPEST}", line)
            stack.append(_Open(said[1], said[2:], line, is_chained=True))
    elif first == "end":
        is_chained = True
        while is_chained:
            if len(stack) == 1:
                raise UnreadableError("a template: an end of nothing", line)
            closed = stack.pop()
            _parts(stack[-1]).append(closed.close())
            is_chained = closed.is_chained
    elif said:
        _parts(stack[-1]).append(Action(said, line))
