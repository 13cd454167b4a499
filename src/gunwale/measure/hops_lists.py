"""Lists of values as they arrive: split, made comparable, and compared from the right."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Values = tuple[str, ...]

_WITH_PORT = re.compile(r"\[([0-9a-f:.%]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}")
_FOR = re.compile(r'for="?([^";,]+)"?')


@cache
def split(text: str | None) -> Values:
    """Split a field as gunwale's parser does: at every comma, quotes meaning nothing."""
    if text is None:
        return ()
    return tuple(comparable(part) for part in text.split(","))


@cache
def comparable(value: str) -> str:
    """Return *value* without case and space; an address without port, brackets, zone and v4 mapping."""
    value = value.strip(" \t").lower()
    match = _WITH_PORT.fullmatch(value)
    bare = (match[1] or match[2]) if match else value
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return value
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def address_of(element: str) -> str:
    """Return the address in one element of X-Forwarded-For or of Forwarded (RFC 7239 §5.2)."""
    match = _FOR.search(element)
    return comparable(match[1]) if match else element


def is_same_kind(value: str, others: Collection[str]) -> bool:
    """Whether *value* is an address of the range that all of *others* are of: one fleet's edges."""
    try:
        kinds = {_kind(each) for each in others}
        return kinds == {_kind(value)}
    except ValueError:
        return False


def _kind(text: str) -> tuple[int, bool, bool]:
    address = ip_address(text)
    return address.version, address.is_loopback, address.is_private


def suffix(seen: Values, bases: Collection[Values], sent: Collection[str]) -> int:
    """Count how many values at the right end of *seen* are those of an unforged request.

    *bases* are the lists of several unforged requests. Where they differ at a position, an address of
    the same range counts too (edges come and go), unless it is one of the values *sent*.
    """
    return max((_common(seen, base, bases, sent) for base in bases), default=0)


def _common(seen: Values, base: Values, bases: Collection[Values], sent: Collection[str]) -> int:
    for count in range(1, min(len(seen), len(base)) + 1):
        value = seen[-count]
        here = {each[-count] for each in bases if len(each) >= count}
        is_edge = len(here) > 1 and value not in sent and is_same_kind(value, here)
        if value != base[-count] and not is_edge:
            return count - 1
    return min(len(seen), len(base))


def position(base: Values, wanted: str, *, ignores_port: bool = False) -> frozenset[int]:
    """Return every position, from the right, at which *wanted* stands."""

    def bare(value: str) -> str:
        return re.sub(r":\d+$", "", value) if ignores_port else value

    return frozenset(
        index for index, value in enumerate(reversed(base), 1) if bare(address_of(value)) == bare(wanted)
    )


def without(values: Sequence[str], sent: Collection[str]) -> Values:
    """Return *values* but for those that were *sent*."""
    return tuple(value for value in values if value not in sent)
