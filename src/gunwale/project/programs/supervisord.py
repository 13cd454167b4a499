"""supervisord as a container's command: it stays, stops its programs on SIGTERM, and runs several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Unknown
from gunwale.project.launch import given, split
from gunwale.project.readers.supervisord import Supervisord
from gunwale.project.start_path import NotWeb, Server

if TYPE_CHECKING:
    from gunwale.project.start_path import Call, Outcome, Path

NAMES = ("supervisord",)


def follow(call: Call, path: Path) -> Outcome:
    """Follow the program that serves: of several, a real server before a development one."""
    config = _config(call, path)
    if config is None:
        return Unknown("supervisord's configuration is not in the project")
    best: tuple[int, Outcome, Path] | None = None
    for section in config.programs:
        command = section.last("command")
        if command is None:
            continue
        trial = path.branch()
        trial.stays("supervisord", call.at, passes_signals=True)
        outcome = trial.follow(call.with_words(given(split(command.value), command.at)))
        rank = (2 - outcome.is_development) if isinstance(outcome, Server) else -isinstance(outcome, NotWeb)
        if best is None or rank > best[0]:
            best = (rank, outcome, trial)
    if best is None:
        return Unknown(f"{config.path} runs nothing")
    path.take(best[2])
    return best[1]


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
