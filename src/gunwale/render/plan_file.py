"""Writing a first plan: a table at the end of pyproject.toml, whose other bytes stay, or gunwale.toml."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import ConfigurationError, Problem, StartError
from gunwale.render.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gunwale.render.detect import Value

_PROJECT, _OWN = "pyproject.toml", "gunwale.toml"


class Draft(NamedTuple):
    """The *text* that *path* would have with a plan in it."""

    path: Path
    text: str


def draft(directory: Path, values: Mapping[str, Value]) -> Draft:
    """Put *values* into the project's plan file; ConfigurationError where there is a plan already."""
    own, project = directory / _OWN, directory / _PROJECT
    if own.exists():
        raise _exists(_OWN)
    if not project.exists():
        return Draft(own, "".join(_lines(values, "", "\n")))
    before = _read(project)
    held = _parsed(before)
    if held is None:
        message = "is not TOML, and nothing can be added to it"
        raise ConfigurationError(Problem(where=_PROJECT, message=message, hint="mend the file"))
    tool = held.get("tool", {})
    if isinstance(tool, dict) and "gunwale" in tool:
        raise _exists(f"{_PROJECT}: tool.gunwale")
    newline = "\r\n" if "\r\n" in before else "\n"
    gap = newline if not before or before.endswith("\n") else newline * 2
    text = before + (gap if before else "") + "".join(_lines(values, "tool.gunwale", newline))
    after = _parsed(text)
    if after is None or not isinstance(tool, dict) or _without(after) != held:
        message = "holds [tool] in a form to which no table can be added"
        raise ConfigurationError(Problem(where=_PROJECT, message=message, hint=f"write {_OWN} beside it"))
    return Draft(project, text)


def _exists(where: str) -> ConfigurationError:
    hint = "change it, or take it away to begin anew"
    return ConfigurationError(Problem(where=where, message="there is a plan already", hint=hint))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(Problem(where=path.name, message="is not UTF-8, so no TOML")) from error
    except OSError as error:
        raise StartError(Problem(where=path.name, message=f"cannot be read: {error.strerror}")) from error


def _parsed(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _without(values: dict[str, object]) -> dict[str, object]:
    """Return *values* as they were before our table."""
    tool = values.get("tool")
    rest = {key: each for key, each in tool.items() if key != "gunwale"} if isinstance(tool, dict) else {}
    others = {key: each for key, each in values.items() if key != "tool"}
    return {**others, "tool": rest} if rest else others


def _lines(values: Mapping[str, Value], prefix: str, newline: str) -> Iterator[str]:
    sections: dict[str, list[str]] = {"": []}
    for key, each in values.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, []).append(f"{name} = {_toml(each.value)}  # {one_line(each.place)}")
    for section, lines in sections.items():
        header = ".".join(filter(None, (prefix, section)))
        if section:
            yield newline
        if header:
            yield f"[{header}]{newline}"
        yield from (f"{line}{newline}" for line in lines)


def _toml(value: object) -> str:
    """Write a string, a number or a truth: what JSON and TOML write alike, but for the escaped delete."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
