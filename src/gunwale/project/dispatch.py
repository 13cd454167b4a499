"""Which commands of a script run by its arguments: of an entrypoint's ``case "$1"``, and of its functions."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from gunwale.project.facts import Given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.launch import Words
    from gunwale.project.syntax.shell import Command, Script

_DEEPEST = 5  # functions that call one another
_IS_FIRST = re.compile(r"""\$\{?1\}?["']?\s*={1,2}\s*["']?([\w./-]+)""")


def run(script: Script, arguments: Words) -> Iterator[tuple[Command, Words]]:
    """Yield the commands of the branches that *arguments* lead to, with what "$@" is there."""
    chosen = _branch(script, arguments)
    rest = arguments
    for command in script.commands:
        if command.is_in_function or not _is_taken(command, chosen, arguments):
            continue
        if command.words[:1] == ("shift",) and (command.branch or command.condition):
            rest = arguments[1:]
            continue
        if command.words == ("shift",) and not command.is_looped:
            rest = rest[1:]
            continue
        yield from _called(script, command, rest, 0)


def _branch(script: Script, arguments: Words) -> str | None:
    """Return the first pattern that the first argument matches; None where there is none to go by."""
    if not arguments:
        return None
    patterns = dict.fromkeys(each.branch for each in script.commands if each.branch)
    first = arguments[0].value
    matching = (each for each in patterns if any(fnmatchcase(first, part) for part in each.split("|")))
    return next(matching, "")


def _is_taken(command: Command, chosen: str | None, arguments: Words) -> bool:
    if command.branch and chosen is not None:
        return command.branch == chosen
    asked = _IS_FIRST.search(command.condition)
    return asked is None or not arguments or asked[1] == arguments[0].value


def _called(
    script: Script, command: Command, arguments: Words, depth: int
) -> Iterator[tuple[Command, Words]]:
    """Yield a command, or those of the function it calls."""
    name = command.words[0] if command.words else ""
    body = [each for each in script.commands if name and each.function == name]
    if not body or depth >= _DEEPEST:
        yield command, arguments
        return
    given = tuple(Given(word, command.at) for word in command.words[1:] if "$" not in word)
    for each in body:
        yield from _called(script, each, given or arguments, depth + 1)
