"""A mix written by hand: [[request]] tables in TOML, or the same in JSON."""

from __future__ import annotations

import json
import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from gunwale.errors import ConfigurationError, Problem
from gunwale.measure.load_mix import EXPECTED, Mix
from gunwale.measure.load_profile import Ask
from gunwale.measure.posts import WAYS, Stored
from gunwale.plan.kinds import Kind, MisfitError, integer, listing, size, table, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# RFC 9110 §5.1 and §5.6.2; the last three frame the request, which the load does itself.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OURS = frozenset({"connection", "content-length", "transfer-encoding"})


def _read_body(value: object) -> str:
    if not isinstance(value, str):
        raise MisfitError
    return value


def _read_fields(given: dict[str, object]) -> dict[str, str]:
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or not isinstance(value, str) or not value.isprintable():
            raise MisfitError(f"{name!r} should be a field name with a text on one line")
        if not value.isascii():
            raise MisfitError(f"{name!r} should be ASCII, not {value!r}")
        if name.lower() in _OURS:
            raise MisfitError(f"{name!r} is written by the load itself")
    return {name: str(value) for name, value in given.items()}


_REQUEST: Mapping[str, Kind] = {
    "path": text('a path such as "/products/1?sort=name", percent-encoded', r"/[!-~]*"),
    "method": text('a method such as "GET"', r"[A-Z]+"),
    "weight": integer(1),
    "body": Kind(expects="a text", read=_read_body),
    "size": size(),
    "fields": table("a table of field names and their values", _read_fields),
    "read_pace": size(),
    "send_pace": size(),
    "expect": listing(text('a status such as "2xx" or "404"', r"[1-5](?:xx|\d\d)"), "statuses"),
}
_STORED: Mapping[str, Kind] = {
    "paths": listing(text("a path", r"/[!-~]*"), "paths"),
    **{way: text() for way in WAYS},
    "database": text('an address such as "sqlite:///shop.sqlite"'),
}


def read(path: Path) -> Mix:
    """Read *path*; ConfigurationError names everything that is wrong with it."""
    data = _parsed(path)
    problems: list[Problem] = []
    requests = data.get("request", [])
    if not isinstance(requests, list) or not all(isinstance(each, dict) for each in requests):
        problems.append(Problem(where=f"{path}: request", message="should be a list of tables: [[request]]"))
        requests = []
    problems += _unknown(f"{path}", data, ("request", "posts"))
    asks = tuple(
        Ask(**{"expect": EXPECTED} | dict(_values(f"{path}: request[{number}]", each, _REQUEST, problems)))
        for number, each in enumerate(requests)
    )
    stored = _stored(f"{path}: posts", data["posts"], problems) if "posts" in data else None
    if problems:
        raise ConfigurationError(problems)
    return Mix(asks=asks, source=path.name, stored=stored)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8")
        data = json.loads(content) if path.suffix == ".json" else tomllib.loads(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(Problem(where=str(path), message=f"cannot be read: {reason}")) from error
    if isinstance(data, list):
        return {"request": data}
    if not isinstance(data, dict):
        raise ConfigurationError(Problem(where=str(path), message="should be a list of requests"))
    return data


def _stored(where: str, given: object, problems: list[Problem]) -> Stored | None:
    if not isinstance(given, dict):
        problems.append(Problem(where=where, message="should be a table"))
        return None
    values = dict(_values(where, given, _STORED, problems))
    if sum(way in given for way in WAYS) != 1:
        listed = ", ".join(WAYS)
        message = f"should have exactly one of {listed}"
        problems.append(Problem(where=where, message=message, hint="it lists the ids that were stored"))
        return None
    return Stored(**values)


def _values(
    where: str, given: Mapping[str, object], known: Mapping[str, Kind], problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    problems += _unknown(where, given, tuple(known))
    for name, kind in known.items():
        if name not in given:
            continue
        try:
            yield name, kind.read(given[name])
        except ValueError as error:
            reason = str(error) if isinstance(error, MisfitError) and str(error) else ""
            message = reason or f"should be {kind.expects}, not {given[name]!r}"
            problems.append(Problem(where=f"{where}.{name}", message=message))


def _unknown(where: str, given: Mapping[str, object], known: tuple[str, ...]) -> Iterator[Problem]:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            yield Problem(where=where, message=f"there is no {name!r}", hint=hint)
