"""Gunicorn: its command line, GUNICORN_CMD_ARGS, its configuration file, WEB_CONCURRENCY."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING

from gunwale.plan import gunicorn_options
from gunwale.project.facts import Given, Unknown
from gunwale.project.python.modules import find
from gunwale.project.readers.gunicorn_config import GunicornConfig
from gunwale.project.start import Server

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path

NAMES = ("gunicorn",)
DEFAULT_FILE = "gunicorn.conf.py"
CMD_ARGS = "GUNICORN_CMD_ARGS"


def follow(call: Call, path: Path) -> Server:
    """Put its settings together, the strongest last: file, GUNICORN_CMD_ARGS, command line."""
    settings: dict[str, Given[object] | Unknown] = {}
    if "WEB_CONCURRENCY" in call.environ:
        given = call.environ["WEB_CONCURRENCY"]
        settings["workers"] = _value(given.value, Given(given.value, given.at, given.variables))
    on_line = _parse(call.texts[1:])
    in_environ: dict[str, object] = {}
    arguments = call.environ.get(CMD_ARGS)
    if arguments is not None:
        try:
            in_environ = _parse(shlex.split(arguments.value))
        except ValueError:
            in_environ = {}
    chosen = str(on_line.pop("config", None) or in_environ.pop("config", None) or "")
    settings |= _in_file(call, path, chosen)
    for name, value in in_environ.items():
        assert arguments is not None
        settings[name] = _value(value, Given(value, arguments.at))
    for name, value in on_line.items():
        settings[name] = _value(value, _word(call, value))
    application = settings.pop("wsgi_app", None)
    return Server(
        name="gunicorn",
        at=call.at,
        application=str(application.value) if isinstance(application, Given) else "",
        settings=settings,
        words=tuple(call.texts),
    )


def _parse(words: list[str]) -> dict[str, object]:
    try:
        return {name: value for name, value in gunicorn_options.parse(words).items() if value is not None}
    except gunicorn_options.OptionsError:
        return {}


def _word(call: Call, value: object) -> Given[object]:
    """Give *value* the place of its word."""
    wanted = str(value[0]) if isinstance(value, list) and value else str(value)
    word = next((each for each in call.words if wanted and wanted in each.value), None)
    return Given(value, word.at if word else call.at, word.variables if word else ())


def _value(value: object, given: Given[object]) -> Given[object] | Unknown:
    text = " ".join(value) if isinstance(value, list) else str(value)
    return Unknown(f"{text} is not known before the start") if "$" in text else given


def _in_file(call: Call, path: Path, chosen: str) -> dict[str, Given[object] | Unknown]:
    if chosen.startswith("python:"):
        module = find(path.project, chosen.removeprefix("python:"), path.launch.at.path)
        found = module.path if module is not None else None
    elif chosen:
        found = path.find_file(chosen.removeprefix("file:"))
    else:
        image = path.launch.image
        there = posixpath.join(path.launch.directory, DEFAULT_FILE)
        found = (
            image.find(path.project, DEFAULT_FILE)
            if image
            else (there if there in path.project.tree else None)
        )
    config = path.project.one(GunicornConfig, found) if found else None
    if config is None:
        if chosen:
            path.project.leave_unchecked("server", f"{call.at}: Gunicorn's {chosen} is not in the project")
        return {}
    return dict(config.settings({name: given.value for name, given in call.environ.items()}))
