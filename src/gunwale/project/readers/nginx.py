"""nginx configuration as directives with their places; templates of envsubst and Jinja too.

Read here and not by crossplane, which opens files and includes by itself (docs/decisions/0004).
"""

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
_NAME = re.compile(r"(?:.*\.)?(?:conf|nginx|cfg|site|vhost)(?:[.\-_](?:template|tmpl|tpl|j2|jinja2?|erb))?")
_FOLDER = re.compile(r"nginx|proxy|sites-|conf\.d", re.IGNORECASE)
_RELEVANT = re.compile(
    r"(?:^|[{;])[ \t]*(?:proxy_(?:pass|set_header)\s|upstream\s+\S+\s*\{|http\s*\{)", re.MULTILINE
)
# Every repetition ends with its line, or after so many characters: what opens and never closes stays cheap.
_TOKEN = re.compile(
    r"""(?P<space>[^\S\n]+) | (?P<line>\n) | (?P<comment>\#[^\n]*)
    | (?P<jinja>\{%[^\n]{0,300}?%\}|\{\#[^\n]{0,300}?\#\})
    | (?P<mark>[;{}](?!\{))
    | (?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<word>(?:\$\{[^}\n{$]*\}|\{\{[^{}\n]*\}\}|\\.|[^\s;{}"'\\])
        (?:\$\{[^}\n{$]*\}|\{\{[^{}\n]*\}\}|\\.|[^\s;{}])*)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, eq=False)
class Directive:
    """One directive: its *name* and *words*; *block* holds what stands in its braces, None without any."""

    name: str
    words: tuple[str, ...]
    at: Place
    block: tuple[Directive, ...] | None = None

    def all(self, name: str) -> list[Directive]:
        """Return the directives of that *name* directly inside."""
        return [each for each in self.block or () if each.name == name]


@dataclass(frozen=True, slots=True, eq=False)
class Nginx:
    """One file. *is_template*: some of it stands under conditions that are decided elsewhere."""

    path: str
    directives: tuple[Directive, ...]
    is_template: bool


def is_one(path: str) -> bool:
    """Tell by the name: an ending of configuration, or no ending in a folder of nginx's."""
    folder, _, name = path.rpartition("/")
    if _NAME.fullmatch(name.lower()):
        return True
    return "." not in name and _FOLDER.search(f"{folder.rpartition('/')[2]}/{name}") is not None


def is_relevant(source: Source) -> bool:
    """Whether it passes requests on: supervisor's and others' files end in .conf too."""
    return _RELEVANT.search(source.text) is not None


def read(source: Source) -> Nginx:
    """Read one file; a statement without its end is an error, as it is to nginx."""
    text = source.text.replace("\r\n", "\n")
    tokens = _tokens(source, text)
    directives = tuple(_block(source, tokens, 0))
    return Nginx(source.path, directives, "{%" in text)


def walk(directives: tuple[Directive, ...]) -> Iterator[Directive]:
    """Yield *directives* and everything inside them."""
    for each in directives:
        yield each
        yield from walk(each.block or ())


def _tokens(source: Source, text: str) -> Iterator[tuple[str, str, Place]]:
    line, start = 1, 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind in ("mark", "word", "quoted"):
            found = match[0][1:-1].replace("\\" + match[0][0], match[0][0]) if kind == "quoted" else match[0]
            yield kind, found, source.at(line, match.start() - start + 1)
        elif kind == "other":
            raise UnreadableError(f"not nginx: {match[0]!r}", line)
        if "\n" in match[0]:
            line += match[0].count("\n")
            start = match.start() + match[0].rindex("\n") + 1


def _block(source: Source, tokens: Iterator[tuple[str, str, Place]], depth: int) -> Iterator[Directive]:
    if depth > DEEPEST:
        raise UnreadableError(f"nested deeper than {DEEPEST}")
    words: list[tuple[str, Place]] = []
    for kind, text, at in tokens:
        if kind != "mark":
            words.append((text, at))
        elif text == "}":
            if words or not depth:
                raise UnreadableError("a } where none may stand", at.line)
            return
        elif words:
            inner = tuple(_block(source, tokens, depth + 1)) if text == "{" else None
            name, place = words[0]
            yield Directive(name, tuple(word for word, _ in words[1:]), place, inner)
            words = []
        elif text == "{":
            raise UnreadableError("a { where none may stand", at.line)
    if words or depth:
        raise UnreadableError("ends before its last statement does", words[0][1].line if words else 0)
