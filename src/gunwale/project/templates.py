"""Jinja's templates, as cookiecutters are: read as what they may become, line by line.

Of an ``if`` with an ``else`` that branch is taken, of one without its body; what is put in is a variable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.facts import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = re.compile(r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\})", re.DOTALL)
_PUT_IN = re.compile(r"\{\{-?\s*([^{}]*?)\s*-?\}\}")
# What only Go's templates say: they put in whole blocks of YAML, of which nothing is known.
_GO = re.compile(r"\{\{-?\s*(?:\.|\$|/\*|(?:include|template|define|if|with|range|end|toYaml|tpl)\b)")
_NO_WORD = re.compile(r"\W+")


def is_one(source: Source) -> bool:
    """Whether it holds marks of Jinja."""
    return _MARK.search(source.text) is not None and _GO.search(source.text) is None


def plain(source: Source) -> Source:
    """Return the source without its marks, every line where it was."""
    is_python = source.path.endswith(".py")
    parts = iter(_MARK.split(source.text))
    return Source(source.path, _rendered(parts, is_python=is_python)[0])


def names(text: str) -> str:
    """Put in for each ``{{ name }}`` of a module or a path what `plain` puts into Python for it."""
    return _PUT_IN.sub(lambda match: _slug(match[1]), text) if "{{" in text else text


def _rendered(parts: Iterator[str], *, is_python: bool) -> tuple[str, str]:
    """Return what *parts* come to up to the end of this block, and the tag that ends it."""
    found = ""
    for part in parts:
        if part.startswith("{{"):
            slug = _slug(part.strip("{}- \n"))
            found += (slug if is_python else f"${{{slug}}}") + "\n" * part.count("\n")
        elif part.startswith("{#"):
            found += "\n" * part.count("\n")
        elif part.startswith("{%"):
            tag = part.strip("{}%-+ \n").partition(" ")[0]
            found += "\n" * part.count("\n")
            if tag in ("if", "for"):
                found += _block(parts, is_python=is_python)
            elif tag in ("elif", "else", "endif", "endfor"):
                return found, tag
        else:
            found += part
    return found, ""


def _block(parts: Iterator[str], *, is_python: bool) -> str:
    """Return the branch that is taken, with the lines of the others left empty."""
    branches: list[tuple[str, str]] = []
    opened = "if"
    while True:
        text, tag = _rendered(parts, is_python=is_python)
        branches.append((opened, text))
        if tag not in ("elif", "else"):
            break
        opened = tag
    taken = len(branches) - 1 if branches[-1][0] == "else" else 0
    return "".join(
        text if number == taken else "\n" * text.count("\n") for number, (_, text) in enumerate(branches)
    )


def _slug(expression: str) -> str:
    return _NO_WORD.sub("_", expression).strip("_") or "_"
