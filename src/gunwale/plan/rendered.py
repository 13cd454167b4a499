"""How a file that ``gunwale render`` wrote is known, and which of its lines belong to the user.

It stands beside the plan because the plan must not read back what was written from it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

STAMP = re.compile(r"# gunwale render (?P<target>[a-z0-9_-]+): (?P<digest>[0-9a-f]{16})(?: .*)?")
_BEGIN = re.compile(r"\s*# >>> yours: (?P<name>[\w-]+)(?: .*)?")
_END = re.compile(r"\s*# <<< yours: (?P<name>[\w-]+)(?: .*)?")


class Region(NamedTuple):
    """Lines *first* to *last* (from 0, *last* excluded) between the marks of the user's region *name*."""

    name: str
    first: int
    last: int


def stamp_of(text: str) -> re.Match[str] | None:
    """Return the stamp on the first line of *text*, if gunwale wrote it."""
    return STAMP.fullmatch(text.partition("\n")[0].rstrip("\r"))


def regions(lines: list[str]) -> list[Region]:
    """Return the user's regions in *lines*; a mark without its partner opens none."""
    found, opened = [], None
    for number, line in enumerate(lines):
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if begin:
            opened = (begin["name"], number + 1)
        elif end and opened and opened[0] == end["name"]:
            found.append(Region(opened[0], opened[1], number))
            opened = None
    return found


def users_lines(text: str) -> frozenset[int]:
    """Return the line numbers, from 1, that belong to the user in a file that gunwale wrote."""
    spans = (range(each.first + 1, each.last + 1) for each in regions(text.splitlines()))
    return frozenset(number for span in spans for number in span)
