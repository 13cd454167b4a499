"""Shell scripts: *.sh, and whatever a start path calls that begins with a shell's #!."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.syntax import shell

if TYPE_CHECKING:
    from gunwale.project.facts import Source

TOPIC = "start"
_SHELLS = ("sh", "bash", "ash", "dash", "ksh", "zsh")


class ShellScript:
    """One script; *script* is what it says."""

    def __init__(self, script: shell.Script) -> None:
        self.script = script
        self.path = script.path


def is_one(path: str) -> bool:
    """Tell by the name."""
    return path.endswith((".sh", ".bash"))


def read(source: Source) -> ShellScript | None:
    """Read a script; None for a file that names another interpreter, or none and has no shell's suffix."""
    first = source.text.split("\n", 1)[0]
    if first.startswith("#!"):
        words = first[2:].replace("/", " ").split()
        if not any(word in _SHELLS for word in words):
            return None
    elif not is_one(source.path):
        return None
    return ShellScript(shell.parse(source))
