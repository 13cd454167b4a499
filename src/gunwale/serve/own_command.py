"""The user's own server command behind ``gunwale serve [options] --``: whose it is, and what it comes to."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.errors import ConfigurationError, Problem
from gunwale.serve.servers import discover

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gunwale.plan.model import Plan
    from gunwale.plan.origin import Candidate

_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_UNBUFFERED = "-u"
_IN_FRONT: tuple[str, ...] = (
    "uv",
    "poetry",
    "pipenv",
    "pdm",
    "hatch",
    "env",
    "ddtrace-run",
    "newrelic-admin",
    "dumb-init",
    "tini",
)
_IN_FRONT += ("opentelemetry-instrument", "doppler", "chamber", "exec", "nice", "sh", "bash")
_DEVELOPMENT = ("flask", "app.run")


@dataclass(slots=True, kw_only=True)
class Own:
    """What the user's own command and configuration of one server come to.

    *words* are the server's, as its launcher wants them (None: no command), *keeps* settings that stand as
    they are and that the plan has no key for; *settings* what the plan takes from them, where the
    plan does not read them itself; *said* and *refused* what serve does instead, and what it cannot do.
    *user* is whom the server should run as, *pid_file* where it should write its process id.
    """

    words: tuple[str, ...] | None = None
    settings: tuple[Candidate, ...] | None = None
    said: list[str] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    user: str | None = None
    user_place: str = ""
    pid_file: str | None = None
    asked: Mapping[str, Mapping[str, Any]] | None = None
    """What the server says its settings come to, where reading them does not tell."""
    keeps: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


def split(command: Sequence[str]) -> tuple[str, list[str]]:
    """Tell the server's name and its own words from a *command*; ConfigurationError where we have none."""
    programs: dict[str, str] = {
        module.PROGRAM: name for name, module in discover().items() if hasattr(module, "PROGRAM")
    }
    known = ", ".join(programs)
    if not command:
        raise ConfigurationError(
            Problem(
                where="--", message="no command follows", hint=f"gunwale serve -- {known.split(',')[0]} …"
            )
        )
    first, rest = command[0], list(command[1:])
    program = Path(first).name
    if _PYTHON.fullmatch(program):
        rest = rest[1:] if rest[:1] == [_UNBUFFERED] else rest
        if len(rest) < 2 or rest[0] != "-m":
            hint = f"gunwale serve -- {first} -m gunicorn …; interpreter options go into PYTHON… variables"
            raise ConfigurationError(
                Problem(where="--", message=f"{' '.join(command[:3])!r} starts no known server", hint=hint)
            )
        program, rest = rest[1], rest[2:]
        programs |= {name: name for name in programs.values()}
    if program not in programs:
        raise ConfigurationError(_unknown(program, command, known))
    if "/" in first and not _is_ours(Path(first)):
        hint = f"install gunwale beside it, and run that one: {Path(first).with_name('gunwale')} serve -- …"
        message = f"{first} belongs to another environment than gunwale ({sys.prefix})"
        raise ConfigurationError(Problem(where="--", message=message, hint=hint))
    return programs[program], rest


def _unknown(program: str, command: Sequence[str], known: str) -> Problem:
    if program in _IN_FRONT:
        hint = f"put it in front of gunwale: {program} … gunwale serve -- gunicorn …"
        return Problem(where="--", message=f"{program!r} is not a server, but starts one", hint=hint)
    if program in _DEVELOPMENT:
        hint = "gunwale serve 'module:application' serves the application itself"
        return Problem(where="--", message=f"{' '.join(command[:2])!r} is a development server", hint=hint)
    return Problem(where="--", message=f"{program!r} is no server that serve runs", hint=f"known are {known}")


def _is_ours(program: Path) -> bool:
    """Whether *program* stands where this interpreter or its scripts do."""
    # Not resolved to the end: a virtual environment's python is a link to the system's.
    ours = {Path(sys.executable).parent.resolve(), Path(sysconfig.get_path("scripts")).resolve()}
    base = Path(sys.base_prefix, "bin").resolve()
    return program.parent.resolve() in (ours | {base} if sys.prefix == sys.base_prefix else ours)


def read(
    server: str, words: Sequence[str], environ: Mapping[str, str], directory: Path, *, is_command: bool
) -> Own:
    """Read what the user's own configuration of *server* says besides the plan."""
    module = discover()[server]
    own: Own = (
        module.own(words, environ, directory, is_command=is_command) if hasattr(module, "own") else Own()
    )
    return own


def overruled(plan: Plan, own: Own) -> Iterator[str]:
    """Say what was written for the server, and what stands instead because it was written for gunwale."""
    from gunwale.plan.explain import show
    from gunwale.plan.model import SETTINGS

    for key, candidates in plan.candidates.items():
        if key in plan.left_to_server:
            continue
        origin = plan.origins[key]
        theirs = [each for each in candidates if _is_servers(each, own)]
        if not theirs or _is_servers_place(origin.place, own) or origin.is_gunicorns:
            continue
        value: Any = plan.flat()[key]
        kind = SETTINGS[key].kind
        first = theirs[0]
        try:
            given = kind.read(kind.from_text(first.value) if first.is_text else first.value)  # type: ignore[arg-type]
        except ValueError:
            given = first.value
        if show(key, given) != show(key, value):
            yield f"{first.origin.place} {show(key, given)}: {origin} says {show(key, value)}, and stands"


def deadline(plan: Plan, own: Own) -> Iterator[str]:
    """Say that a request has a limit where the user's own command gave it none."""
    alone = {"waitress": "Waitress"}.get(plan.serve.server, f"Gunicorn's {plan.serve.worker_class} worker")
    if own.words is not None and plan.serve.worker_class != "sync":
        limit = f"{plan.serve.request_timeout:g} s (serve.request_timeout)"
        yield f"a request in which nothing moves for {limit} is given up; {alone} alone has no such limit"


def _is_servers(candidate: Candidate, own: Own) -> bool:
    return candidate.origin.is_gunicorns or _is_servers_place(candidate.origin.place, own)


def _is_servers_place(place: str, own: Own) -> bool:
    return any(place == each.origin.place for each in own.settings or ())


def write_pid(path: str) -> None:
    """Write this process's id, which the supervisor keeps; OSError as it comes."""
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_text(f"{os.getpid()}\n")
    beside.chmod(0o644)
    beside.rename(target)
