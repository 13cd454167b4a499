"""The project's own Gunicorn settings: gunicorn.conf.py, GUNICORN_CMD_ARGS and a command line.

The file is evaluated symbolically, never executed.
"""

from __future__ import annotations

import ast
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.plan import gunicorn_options, rendered
from gunwale.plan.origin import GUNICORN_WORDS, Candidate, Origin, Source
from gunwale.plan.symbolic import Known, Reader, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEFAULT_FILE = "gunicorn.conf.py"
CMD_ARGS = "GUNICORN_CMD_ARGS"
_MAX_BYTES = 2**20
NO_DEADLINE = 7 * 24 * 3600
"""Seconds for which Gunicorn's ``timeout = 0`` stands: longer than any request anybody waits for."""


class Other(NamedTuple):
    """A setting that the plan has no key for: its *value* (Unknown: nobody can read it), its *place*."""

    value: object
    place: str


@dataclass(slots=True)
class GunicornSettings:
    """What Gunicorn was told.

    *unknown* maps keys of the plan to where and why only Gunicorn knows the value; *notes* are sentences
    about what was not read, as (place, message); *others* are settings beyond the plan's, by name.
    """

    candidates: list[Candidate] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    others: dict[str, Other] = field(default_factory=dict)


def read(
    directory: Path,
    environ: Mapping[str, str],
    words: Sequence[str] = (),
    asked: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    is_planned: bool = False,
) -> GunicornSettings:
    """Read the settings Gunicorn would find in *directory*: *words* are its own command line, if any.

    *asked* is what Gunicorn says they come to (name → value, is_set), where reading does not tell.
    *is_planned*: the plan stands above them, so that a file written from it is not read back, but for the
    user's own regions in it.
    """
    settings = GunicornSettings()
    on_command_line = _parse(settings, list(words), "the command after --")
    try:
        in_environment = _parse(settings, shlex.split(environ.get(CMD_ARGS, "")), CMD_ARGS)
    except ValueError as error:
        settings.notes.append((CMD_ARGS, f"not read: {error}"))
        in_environment = {}
    config = on_command_line.pop("config", None) or in_environment.pop("config", None) or DEFAULT_FILE
    _add(settings, on_command_line, Source.COMMAND_LINE, GUNICORN_WORDS)
    _add(settings, in_environment, Source.GUNICORN, f"{CMD_ARGS}: ")
    _read_file(settings, directory, str(config), environ, is_planned=is_planned)
    if asked is not None:
        _take_asked(settings, str(config), asked)
    return settings


def _take_asked(settings: GunicornSettings, config: str, asked: Mapping[str, Mapping[str, Any]]) -> None:
    given = {each.key for each in settings.candidates}
    for name, found in asked.items():
        key, value = gunicorn_options.SETTINGS.get(name), found["value"]
        if key in settings.unknown or (key and found["is_set"] and key not in given):
            place = settings.unknown.pop(key, f"{config}: {name}").split(": ")
            origin = Origin(source=Source.GUNICORN, place=": ".join(place[:2]), why="as Gunicorn reads it")
            settings.candidates.append(Candidate(key=key, value=_as_ours(name, value), origin=origin))
        elif not key:
            other = settings.others.get(name)
            if other is not None and isinstance(other.value, Unknown):
                settings.others[name] = Other(value, other.place)
            elif other is None and found["is_set"]:
                settings.others[name] = Other(value, f"{config}: {name}")
    settings.notes.clear()


def _parse(settings: GunicornSettings, words: list[str], place: str) -> dict[str, object]:
    try:
        return gunicorn_options.parse(words)
    except gunicorn_options.OptionsError as error:
        settings.notes.append((place, f"Gunicorn would refuse this: {error}"))
        return {}


def _add(settings: GunicornSettings, found: Mapping[str, object], source: Source, prefix: str) -> None:
    for name, value in found.items():
        if value is None:
            continue
        origin = Origin(source=source, place=f"{prefix}{gunicorn_options.option_of(name)}")
        if name not in gunicorn_options.SETTINGS:
            settings.others.setdefault(name, Other(value, origin.place))
            continue
        key = gunicorn_options.SETTINGS[name]
        settings.candidates.append(
            Candidate(key=key, value=_as_ours(name, value), origin=origin, is_text=isinstance(value, str))
        )


def _read_file(
    settings: GunicornSettings,
    directory: Path,
    config: str,
    environ: Mapping[str, str],
    *,
    is_planned: bool,
) -> None:
    if config.startswith("python:"):
        settings.notes.append((config, "a configuration module is not read: its settings stay Gunicorn's"))
        return
    path = directory / config.removeprefix("file:")
    if config == DEFAULT_FILE and not path.is_file():
        return
    try:
        source = path.read_bytes()[:_MAX_BYTES]
        reader = Reader(environ=environ, names={"__file__": Known(str(path), 0)})
        reader.read(ast.parse(source).body)
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        settings.notes.append((config, f"not read: {error}"))
        return
    text = source.decode(errors="replace")
    lines = rendered.users_lines(text) if is_planned and rendered.stamp_of(text) else None
    for name, key in gunicorn_options.SETTINGS.items():
        found = reader.setting(name)
        if found is None or (lines is not None and found.line not in lines):
            continue
        if isinstance(found, Unknown):
            settings.unknown[key] = f"{config}:{found.line}: {name}: {found.why}"
        elif found.value is not None:
            origin = Origin(source=Source.GUNICORN, place=f"{config}:{found.line}: {name}")
            settings.candidates.append(Candidate(key=key, value=_as_ours(name, found.value), origin=origin))
    for name in sorted(reader.names.keys() - gunicorn_options.SETTINGS.keys()):
        found = reader.setting(name)
        if found is None or (lines is not None and found.line not in lines):
            continue
        value = found.value if isinstance(found, Known) else found
        settings.others.setdefault(name, Other(value, f"{config}:{found.line}: {name}"))


def _as_ours(name: str, value: object) -> object:
    """Put a value of Gunicorn's into the plan's form, where the two differ."""
    if name == "loglevel" and isinstance(value, str):
        return value.lower()
    if name == "timeout" and str(value) == "0":
        return NO_DEADLINE
    if name == "wsgi_app" and isinstance(value, str) and ":" not in value:
        return f"{value}:application"
    if name == "bind":
        given = value.split(",") if isinstance(value, str) else value
        return [_with_port(each) for each in given] if isinstance(given, list) else given
    return value


def _with_port(address: object) -> object:
    if not isinstance(address, str):
        return address
    address = address.strip()
    # gunicorn.util.parse_address: a host alone means port 8000.
    is_bare = bool(address) and not address.startswith(("unix:", "fd:")) and ":" not in address
    return f"{address}:8000" if is_bare and not address.isdigit() else address
