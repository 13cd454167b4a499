"""A command without a module of its own: a script by its #!, a console script, or no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Unknown
from gunwale.project.readers.requirements import Requirements
from gunwale.project.start import NotWeb

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path
    from gunwale.project.start import Outcome

NAMES = ("*",)
# Commands that are known to answer no request of the application.
_OTHERS = frozenset(
    [
        "celery",
        "rq",
        "rqworker",
        "dramatiq",
        "huey_consumer",
        "nginx",
        "caddy",
        "httpd",
        "apache2",
        "traefik",
        "redis-server",
        "postgres",
        "mysqld",
        "mongod",
        "node",
        "npm",
        "yarn",
        "pnpm",
        "cron",
        "crond",
        "alembic",
        "tail",
        "sleep",
        "true",
        "bash-completion",
        "flower",
        "arq",
    ]
)


def follow(call: Call, path: Path) -> Outcome:
    """Follow a script of the project or a console script of its own."""
    word = call.words[0]
    if call.program in _OTHERS:
        return NotWeb(call.program)
    found = path.find_file(word.value) if "/" in word.value or "." in word.value else None
    if found is not None:
        return _script(call, path, found)
    for each in path.project.of(Requirements):
        if word.value in each.scripts:
            target, _ = each.scripts[word.value]
            words = (
                type(word)("python", word.at),
                type(word)("-c", word.at),
                type(word)(f"entry:{target}", word.at),
            )
            return path.follow(call.with_words(words), is_step=False)
    if "$" in word.value:
        return Unknown(f"what {word.value} runs is not known")
    if "/" in word.value:
        return Unknown(f"{word.value} is not in the project")
    return NotWeb(call.program)


def _script(call: Call, path: Path, found: str) -> Outcome:
    source = path.project.source(found)
    if source is None:
        return Unknown(f"{found} cannot be read")
    first = source.text.split("\n", 1)[0]
    is_python = found.endswith(".py") or (first.startswith("#!") and "python" in first)
    interpreter = "python" if is_python else "sh"
    here = call.words[0].at
    words = (type(call.words[0])(interpreter, here), *call.words)
    return path.follow(call.with_words(words), is_step=False)
