"""YAML with comments, line by line: a mapping whose keys may carry the reason of their value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from gunwale.render.words import told

if TYPE_CHECKING:
    from collections.abc import Iterator


class Because(NamedTuple):
    """A *value* with the reason that stands above it, as a comment."""

    value: object
    why: str


class Tag(NamedTuple):
    """A value that CloudFormation computes: "!Ref Image"."""

    text: str


def lines(value: object, indent: str = "") -> Iterator[str]:
    """Write *value*, a mapping or a list, in block style; scalars as JSON writes them."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _entry(f"{key}:", each, indent)
    elif isinstance(value, list):
        for each in value:
            yield from _entry("-", each, indent)


def _entry(lead: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Because):
        yield from told(value.why, indent)
        value = value.value
    if isinstance(value, dict | list) and value:
        below = list(lines(value, f"{indent}  "))
        if lead == "-" and not below[0].lstrip().startswith("#"):
            yield f"{indent}- {below[0].lstrip()}"
            yield from below[1:]
        else:
            yield f"{indent}{lead}"
            yield from below
    else:
        yield f"{indent}{lead} {_scalar(value)}"


def _scalar(value: object) -> str:
    if isinstance(value, Tag):
        return value.text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)
