"""Caddyfiles as directives with their places: a statement ends with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place, Source

TOPIC = "trust"
DEEPEST = 50
_NAME = re.compile(r"(?:.*\.)?caddyfile(?:[.\-_].*)?", re.IGNORECASE)
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|[^\s"`]\S*')


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One line: its *words*, the first of them its name, and the *block* in its braces; None without any."""

    words: tuple[str, ...]
    at: Place
    block: tuple[Statement, ...] | None = None

    @property
    def name(self) -> str:
        """The first word; "" for the global options."""
        return self.words[0] if self.words else ""


@dataclass(frozen=True, slots=True, eq=False)
class Caddyfile:
    """One file."""

    path: str
    statements: tuple[Statement, ...]


def is_one(path: str) -> bool:
    """Tell by the name: Caddyfile, Caddyfile.prod, prod.Caddyfile."""
    return _NAME.fullmatch(path.rpartition("/")[2]) is not None


def read(source: Source) -> Caddyfile:
    """Read one file."""
    lines = iter(enumerate(source.lines(), 1))
    found = tuple(_block(source, lines, 0))
    return Caddyfile(source.path, found)


def _block(source: Source, lines: Iterator[tuple[int, str]], depth: int) -> Iterator[Statement]:
    if depth > DEEPEST:
        raise UnreadableError(f"nested deeper than {DEEPEST}")
    for number, line in lines:
        tokens = [match[0] for match in _TOKEN.finditer(line)]
        comment = next((i for i, each in enumerate(tokens) if each.startswith("#")), len(tokens))
        words = tuple(each.strip('"`') for each in tokens[:comment])
        if words == ("}",):
            if not depth:
                raise UnreadableError("a } where none may stand", number)
            return
        at = source.at(number, len(line) - len(line.lstrip()) + 1)
        if words and words[-1] == "{":
            yield Statement(words[:-1], at, tuple(_block(source, lines, depth + 1)))
        elif words:
            yield Statement(words, at)
    if depth:
        raise UnreadableError("ends before its last block does")


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield *statements* and everything inside them."""
    for each in statements:
        yield each
        yield from walk(each.block or ())
