"""supervisord as a container's command: it stays, stops its programs on SIGTERM, and runs several."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from gunwale.project.facts import Unknown
from gunwale.project.launch import of_lines
from gunwale.project.readers.supervisord import Supervisord
from gunwale.project.start import NotWeb, Server

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path
    from gunwale.project.start import Outcome
    from gunwale.project.syntax.ini import Section

NAMES = ("supervisord",)
_VARIABLE = re.compile(r"%\(ENV_(\w+)\)s")


def follow(call: Call, path: Path) -> Outcome:
    """Follow the program that serves: of several, a real server before a development one."""
    config = _config(call, path)
    if config is None:
        return Unknown("supervisord's configuration is not in the project")
    best: tuple[int, Outcome, Path] | None = None
    for section in _programs(config, call, path):
        command = section.last("command")
        if command is None:
            continue
        trial = path.branch()
        trial.stays("supervisord", call.at, passes_signals=True)
        outcome = trial.follow(call.with_words(of_lines(command)))
        rank = (2 - outcome.is_development) if isinstance(outcome, Server) else -isinstance(outcome, NotWeb)
        if best is None or rank > best[0]:
            best = (rank, outcome, trial)
    if best is None:
        return Unknown(f"{config.path} runs nothing")
    path.take(best[2])
    return best[1]


def _programs(config: Supervisord, call: Call, path: Path) -> list[Section]:
    """Return the programs of the file, and of those it includes."""
    found = list(config.programs)
    for pattern in config.includes:
        text = _VARIABLE.sub(lambda match: _value(call, match[1]), pattern)
        parts = text.strip("/").split("/")
        # Where the files lie in the container is not always known: as much of the path as fits tells.
        for first in range(len(parts)):
            wanted = f"*/{'/'.join(parts[first:])}"
            there = [each for each in path.project.of(Supervisord) if fnmatchcase(f"/{each.path}", wanted)]
            if there:
                found += [section for each in there if each is not config for section in each.programs]
                break
    return found


def _value(call: Call, name: str) -> str:
    return call.environ[name].value if name in call.environ else "*"


def _config(call: Call, path: Path) -> Supervisord | None:
    words = call.texts
    named = next((words[n + 1] for n, word in enumerate(words[:-1]) if word in ("-c", "--configuration")), "")
    for name in (
        named,
        "/etc/supervisor/conf.d/supervisord.conf",
        "/etc/supervisord.conf",
        "supervisord.conf",
    ):
        found = path.find_file(name) if name else None
        if found is not None:
            return path.project.one(Supervisord, found)
    files = path.project.of(Supervisord)
    return files[0] if len(files) == 1 else None
