"""What the command line, the environment and the plan's file offer, each value with its place."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import Problem
from gunwale.plan import kinds
from gunwale.plan.model import SECTIONS, SETTINGS
from gunwale.plan.origin import Candidate, Origin, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PREFIX = "GUNWALE_"
# The echo's token is a secret: it is no setting, so that no plan can hold it and nothing shows it.
_INTERNAL = ("GUNWALE_SUPERVISED", "GUNWALE_ECHO_TOKEN")
_BY_VARIABLE = {PREFIX + key.replace(".", "_").upper(): key for key in SETTINGS}
# Weaker than GUNWALE_ variables, strongest first.
_GUNICORN_VARIABLES = {
    "GUNICORN_BIND": "serve.bind",
    "GUNICORN_WORKERS": "serve.workers",
    "GUNICORN_WORKER_CLASS": "serve.worker_class",
    "GUNICORN_TIMEOUT": "serve.request_timeout",
    "GUNICORN_GRACEFUL_TIMEOUT": "serve.drain_timeout",
    "GUNICORN_LOG_LEVEL": "serve.log_level",
}
DEFAULTS_OF_GUNICORN = ("WEB_CONCURRENCY", "PORT")
"""Variables that Gunicorn reads itself, for what nothing else says."""
# Kubernetes writes these into every container for a Service that is called gunwale.
_SERVICE_LINK = re.compile(
    r"GUNWALE(?:_\w+)?_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP)\w*)?)"
)

# The variables of each key, strongest first.
VARIABLES = {key: [name] for name, key in _BY_VARIABLE.items()}
for _name, _key in (
    *_GUNICORN_VARIABLES.items(),
    ("WEB_CONCURRENCY", "serve.workers"),
    ("PORT", "serve.bind"),
    ("FLASK_APP", "app"),
):
    VARIABLES[_key].append(_name)


class PlanFile(NamedTuple):
    """The file of the plan: its *path*, its name in messages, and its values; *also* is one it hides."""

    path: Path
    place: str
    values: Mapping[str, object]
    also: Path | None = None


def option_of(key: str) -> str:
    """Return the command-line option of the setting *key*: "--workers"; the application is an argument."""
    return "APP" if key == "app" else f"--{key.rpartition('.')[2].replace('_', '-')}"


def from_command_line(given: Mapping[str, object], problems: list[Problem]) -> Iterator[Candidate]:
    """Yield the options that were given: None and empty lists were not."""
    for key, value in given.items():
        if key not in SETTINGS:
            problems.append(unknown_key(f"--set {key}", key))
        elif value is not None and value not in ((), []):
            origin = Origin(source=Source.COMMAND_LINE, place=option_of(key))
            yield Candidate(key=key, value=value, origin=origin, is_text=isinstance(value, str))


def from_set(words: Sequence[str], problems: list[Problem]) -> Iterator[Candidate]:
    """Yield what ``--set KEY=VALUE`` gives: a TOML value, or else a bare text."""
    for word in words:
        key, equals, text = word.partition("=")
        key = key.strip()
        if not equals:
            hint = "write --set serve.workers=4"
            problems.append(Problem(where="--set", message=f"should be KEY=VALUE, not {word!r}", hint=hint))
        elif key not in SETTINGS:
            problems.append(unknown_key(f"--set {key}", key))
        else:
            value: object = text.strip()
            if text.strip()[:1] in ('"', "'", "[", "{"):
                value = kinds.toml_value(text.strip())
            origin = Origin(source=Source.COMMAND_LINE, place=f"--set {key}")
            yield Candidate(key=key, value=value, origin=origin, is_text=isinstance(value, str))


def unknown_key(where: str, key: str) -> Problem:
    """Build the problem of a key that does not exist, with the one that was probably meant."""
    section, _, name = key.rpartition(".")
    if section and section not in SECTIONS:
        meant = get_close_matches(section, SECTIONS, n=1)
        hint = f"did you mean the section {meant[0]}?" if meant else f"the sections are {', '.join(SECTIONS)}"
        return Problem(where=where, message=f"there is no section {section!r}", hint=hint)
    here = {known.rpartition(".")[2]: known for known in SETTINGS if known.rpartition(".")[0] == section}
    everywhere = {known.rpartition(".")[2]: known for known in SETTINGS}
    places = here if section else {**{each: f"[{each}]" for each in SECTIONS}, **here}
    for known in (places, everywhere):
        near = get_close_matches(name, known, n=1)
        if near:
            return Problem(where=where, message=f"no setting {key!r}", hint=f"did you mean {known[near[0]]}?")
    hint = f"known are {', '.join(places.values())}"
    return Problem(where=where, message=f"no setting {key!r}", hint=hint)


def from_environment(environ: Mapping[str, str], problems: list[Problem]) -> Iterator[Candidate]:
    """Yield what the environment sets, strongest first; an empty variable is one that is not set."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _INTERNAL or not environ[name]:
            continue
        if name in _BY_VARIABLE:
            yield _variable(_BY_VARIABLE[name], name, environ[name])
        elif not _SERVICE_LINK.fullmatch(name):
            near = get_close_matches(name, _BY_VARIABLE, n=1)
            hint = (
                f"did you mean {near[0]}?" if near else "GUNWALE_<SECTION>_<NAME>, as gunwale plan lists them"
            )
            problems.append(Problem(where=name, message="no setting has this variable", hint=hint))
    for name, key in _GUNICORN_VARIABLES.items():
        if environ.get(name):
            value = environ[name].lower() if key == "serve.log_level" else environ[name]
            yield _variable(key, name, value)
    if environ.get("WEB_CONCURRENCY"):
        yield _variable("serve.workers", "WEB_CONCURRENCY", environ["WEB_CONCURRENCY"])
    port = environ.get("PORT")
    if port:
        if port.isascii() and port.isdigit() and int(port) <= 65535:
            why = "PORT means every interface: the platform routes to it"
            yield _variable("serve.bind", "PORT", f"0.0.0.0:{port}", why)
        else:
            message = f"should be a port from 0 to 65535, not {port!r}"
            problems.append(
                Problem(where="PORT", message=message, hint="unset it, or set GUNWALE_SERVE_BIND")
            )


def _variable(key: str, name: str, value: str, why: str = "") -> Candidate:
    origin = Origin(source=Source.ENVIRONMENT, place=name, why=why)
    return Candidate(key=key, value=value, origin=origin, is_text=True)


def find_file(directory: Path, config_file: Path | None, problems: list[Problem]) -> PlanFile | None:
    """Find and parse the plan's file: *config_file*, else gunwale.toml, else pyproject.toml's table."""
    if config_file is not None:
        values = _parse(config_file, problems)
        return None if values is None else _as_plan(config_file, values)
    own, project = directory / "gunwale.toml", directory / "pyproject.toml"
    in_project = _parse(project, problems) if project.is_file() else None
    has_table = in_project is not None and _table(in_project) is not None
    if own.is_file():
        values = _parse(own, problems)
        plan = None if values is None else _as_plan(own, values)
        return plan._replace(also=project) if plan and has_table else plan
    return _as_plan(project, in_project) if in_project is not None and has_table else None


def _table(values: Mapping[str, object]) -> object:
    tool = values.get("tool")
    return tool.get("gunwale") if isinstance(tool, dict) else None


def _as_plan(path: Path, values: Mapping[str, object]) -> PlanFile:
    table = _table(values)
    if isinstance(table, dict):
        return PlanFile(path, f"{path.name}: tool.gunwale", table)
    if path.name == "pyproject.toml":
        return PlanFile(path, f"{path.name}: tool.gunwale", {} if table is None else {"tool.gunwale": table})
    return PlanFile(path, path.name, values)


def _parse(path: Path, problems: list[Problem]) -> Mapping[str, object] | None:
    import tomllib

    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        problems.append(
            Problem(where=str(path), message=f"cannot be read: {error.strerror}", hint="see --config")
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem(where=str(path), message=f"is not TOML: {error}", hint="mend the file"))
    return None


def from_file(file: PlanFile, problems: list[Problem]) -> Iterator[Candidate]:
    """Yield the values of the plan's file."""
    dotted = file.place.endswith("tool.gunwale")
    for name, value in file.values.items():
        where = f"{file.place}.{name}" if dotted else f"{file.place}: {name}"
        if name in SECTIONS:
            if not isinstance(value, dict):
                problems.append(Problem(where=where, message=f"should be a table, not {value!r}"))
                continue
            for key, each in value.items():
                yield from _file_value(f"{name}.{key}", f"{where}.{key}", each, problems)
        else:
            yield from _file_value(name, where, value, problems)


def _file_value(key: str, where: str, value: object, problems: list[Problem]) -> Iterator[Candidate]:
    if key in SETTINGS:
        origin = Origin(source=Source.FILE, place=where)
        yield Candidate(key=key, value=value, origin=origin)
        return
    problems.append(unknown_key(where, key))
