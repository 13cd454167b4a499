"""Apache configuration as directives with their places, sections with what stands in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place, Source

TOPIC = "trust"
DEEPEST = 50
LONGEST = 4096  # characters of a line that quotes are minded in: shlex takes 17 s for a MiB
_NAME = re.compile(r"(?:.*\.)?(?:conf|vhost|htaccess)(?:[.\-_](?:template|tmpl|j2|erb))?")
_RELEVANT = re.compile(r"^[ \t]*(?:ProxyPass|WSGI\w+|RemoteIP\w+)\s", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Directive:
    """One directive: *name* in lower case, its *words*, what a section holds (None: it is no section)."""

    name: str
    words: tuple[str, ...]
    at: Place
    block: tuple[Directive, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Apache:
    """One file."""

    path: str
    directives: tuple[Directive, ...]


def is_one(path: str) -> bool:
    """Tell by the name."""
    return _NAME.fullmatch(path.rpartition("/")[2].lower()) is not None


def is_relevant(source: Source) -> bool:
    """Whether it says anything of proxies or of mod_wsgi."""
    return _RELEVANT.search(source.text) is not None


def read(source: Source) -> Apache:
    """Read one file."""
    return Apache(source.path, tuple(_block(source, _lines(source), 0)))


def _lines(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the lines, continued ones joined, comments left out."""
    joined, first = "", 0
    for number, line in enumerate(source.lines(), 1):
        first = first or number
        joined += line.rstrip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            if joined.strip() and not joined.lstrip().startswith("#"):
                yield first, joined
            joined, first = "", 0


def _block(source: Source, lines: Iterator[tuple[int, str]], depth: int) -> Iterator[Directive]:
    if depth > DEEPEST:
        raise UnreadableError(f"nested deeper than {DEEPEST}")
    for number, line in lines:
        text = line.strip()
        at = source.at(number, len(line) - len(line.lstrip()) + 1)
        if text.startswith("</"):
            if not depth:
                raise UnreadableError("a section ends that has not begun", number)
            return
        if text.startswith("<"):
            words = _words(text.strip("<>"))
            block = tuple(_block(source, lines, depth + 1))
            yield Directive(words[0].lower() if words else "", tuple(words[1:]), at, block)
        else:
            words = _words(text)
            yield Directive(words[0].lower(), tuple(words[1:]), at)
    if depth:
        raise UnreadableError("ends before its last section does")


def _words(text: str) -> list[str]:
    if len(text) > LONGEST:
        return text.split() or [""]
    try:
        return shlex.split(text) or [""]
    except ValueError:
        return text.split() or [""]


def walk(directives: tuple[Directive, ...]) -> Iterator[Directive]:
    """Yield *directives* and everything inside them."""
    for each in directives:
        yield each
        yield from walk(each.block or ())
