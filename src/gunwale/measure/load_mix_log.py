"""A mix from what was really asked: an access log, ours in JSON, or any server's common or combined one."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote

from gunwale.errors import ConfigurationError, Problem
from gunwale.measure.load_mix import EXPECTED, MOST_ASKS, SAFE_METHODS, Mix
from gunwale.measure.load_profile import Ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Apache's "common" begins so, "combined" goes on behind it; the quoted part holds escaped quotes.
_LINE = re.compile(r'\S+ \S+ .*?\[[^]]*\] "((?:[^"\\]|\\.)*)" (\d{3}|-) ')
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986 §3.3 and §3.4: what stands for itself in a path, and in a query besides.
_PATH = "/:@!$&'()*+,;=~"
_QUERY = f"{_PATH}?%[]"
_REDACTED = "[redacted]"
_DISTINCT = 50_000  # targets counted: an unknown one more is not; memory stays bounded whatever the log


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    target: str
    status: int


@dataclass(slots=True)
class _LeftOut:
    """Why lines were not taken, with how many each."""

    counts: Counter[str] = field(default_factory=Counter)

    def notes(self) -> Iterator[str]:
        for reason, count in self.counts.most_common():
            yield f"left out: {count} {'request' if count == 1 else 'requests'}, {reason}"


def read(path: Path, *, is_unsafe_too: bool) -> Mix:
    """Read *path*, gzipped or not: each request answered below 400, by how often it was asked.

    ConfigurationError for a file that cannot be read, or in which no line is one of an access log.
    """
    left_out = _LeftOut()
    asked: Counter[tuple[str, str]] = Counter()
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8", errors="replace")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8", errors="replace") as file
        ):
            _count(file, asked, left_out, is_unsafe_too=is_unsafe_too)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(Problem(where=str(path), message=f"cannot be read: {reason}")) from error
    if not asked and set(left_out.counts) <= {_UNREADABLE}:
        hint = "known are gunwale's JSON and the common and combined formats"
        raise ConfigurationError(Problem(where=str(path), message="has no line of an access log", hint=hint))
    most = asked.most_common(MOST_ASKS)
    if len(asked) > len(most):
        rarer = asked.total() - sum(count for _, count in most)
        left_out.counts[f"rarer than the {MOST_ASKS} most common"] += rarer
    asks = tuple(
        Ask(method=method, path=target, weight=count, expect=EXPECTED) for (method, target), count in most
    )
    notes = (*left_out.notes(), *_told(asks))
    return Mix(asks=asks, source=path.name, notes=notes)


_UNREADABLE = "in lines that are none of an access log"


def _count(file: TextIO, asked: Counter[tuple[str, str]], left_out: _LeftOut, *, is_unsafe_too: bool) -> None:
    for line in file:
        if not line.strip():
            continue
        found = _asked(line)
        if isinstance(found, _Asked):
            reason = _unwanted(found, is_unsafe_too=is_unsafe_too)
            key = (found.method, found.target)
            if not reason and key not in asked and len(asked) >= _DISTINCT:
                reason = f"new after {_DISTINCT} different ones"
            if not reason:
                asked[key] += 1
        else:
            reason = found
        if reason:
            left_out.counts[reason] += 1


def _unwanted(asked: _Asked, *, is_unsafe_too: bool) -> str:
    if asked.method not in SAFE_METHODS and not is_unsafe_too:
        return f"whose method is not safe ({asked.method})"
    if not 200 <= asked.status < 400:
        return f"answered {asked.status // 100}xx"
    if _REDACTED in asked.target or quote(_REDACTED) in asked.target:
        return "with a redacted value"
    return "" if asked.target.startswith("/") else "whose target is no path"


def _told(asks: tuple[Ask, ...]) -> Iterator[str]:
    unsafe = sum(ask.weight for ask in asks if ask.method not in SAFE_METHODS)
    if unsafe:
        yield f"{unsafe} requests are of methods that are not safe; no log has their bodies: sent empty"
    yield "no log has its clients' cookies: all is asked as by somebody who is not logged in"


def _asked(line: str) -> _Asked | str:
    """Return what a line tells, or why it tells nothing."""
    if line.startswith("{"):
        return _asked_in_json(line)
    match = _LINE.match(line)
    if match is None:
        return _UNREADABLE
    method, space, rest = match[1].partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not space or not protocol.startswith("HTTP/"):
        return "that were none of HTTP"
    path, mark, query = _ESCAPE.sub(_unescaped, target).partition("?")
    # Apache logs what was sent, gunwale a decoded path: an escape that is one is taken for what was sent.
    path = _LONE_PERCENT.sub("%25", quote(path, safe=f"{_PATH}%"))
    status = 0 if match[2] == "-" else int(match[2])
    return _Asked(method, f"{path}{mark}{_query(query)}", status)


def _asked_in_json(line: str) -> _Asked | str:
    try:
        data = json.loads(line)
        method, path, query, status = (data.get(name) for name in ("method", "path", "query", "status"))
    except (ValueError, AttributeError):
        return _UNREADABLE
    if not isinstance(method, str) or not isinstance(path, str):
        return _UNREADABLE
    if {"path", "query"} & set(data.get("truncated", ())):
        return "cut in the log"
    target = quote(path, safe=_PATH) + (f"?{_query(query)}" if query else "")
    return _Asked(method, target, status if isinstance(status, int) else 0)


def _query(query: str) -> str:
    return _LONE_PERCENT.sub("%25", quote(query, safe=_QUERY))


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else match[3]
