"""What the RUN instructions of an image install and leave in it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Source, UnreadableError
from gunwale.project.syntax import shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.readers.dockerfile import Instruction

SYSTEM = ("apt", "apk", "dnf")  # the managers of the system's packages
_MANAGERS = {
    "apt": "apt",
    "apt-get": "apt",
    "aptitude": "apt",
    "apk": "apk",
    "dnf": "dnf",
    "microdnf": "dnf",
    "yum": "dnf",
    "tdnf": "dnf",
    "pip": "pip",
    "pip3": "pip",
    "conda": "conda",
    "mamba": "conda",
}
_INSTALL = ("install", "add")
_REMOVE = ("remove", "purge", "autoremove", "del", "erase")
_WITH_VALUE = ("-t", "--virtual", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "--target")
_MORE_WITH_VALUE = ("--prefix", "-f", "--find-links", "-o", "--trusted-host", "--target-release", "-X", "-n")


class Installed(NamedTuple):
    """A package a RUN installs: its *name* as written, by which *manager*, and where the RUN stands.

    For a file of requirements the manager is "requirements", for a directory that is installed "directory".
    """

    name: str
    manager: str
    at: Place


def installed(project: Project, image: Image) -> tuple[Installed, ...]:
    """Return what the image's RUNs install and do not remove again."""
    kept = project.derive(_Runs).read
    found: list[tuple[Installed, str]] = []
    gone: set[str] = set()
    for run in image.instructions("RUN"):
        if run not in kept:
            kept[run] = _read(run)
        found += kept[run][0]
        gone |= kept[run][1]
    return tuple(each for each, group in found if each.name not in gone and not (group and group in gone))


def commands(instruction: Instruction) -> list[list[str]]:
    """Return the words of each command of a RUN, its plain variables put in; none where it is no shell."""
    if instruction.words is not None:
        return [list(instruction.words)]
    # The continuation is what the reader took away: without it a line that begins with ";" is no shell.
    text = instruction.heredoc or instruction.value.replace("\n", "\\\n")
    try:
        script = shell.parse(Source(instruction.at.path, text), first=instruction.at)
    except UnreadableError:
        return []
    found = []
    for command in script.commands:
        words = [shell.put_in(word, script, {}).text for word in command.words]
        if words[:1] == ["python"] or words[:1] == ["python3"]:
            words = words[2:] if words[1:2] == ["-m"] else words
        if words[:2] == ["uv", "pip"]:
            words = words[1:]
        if words[:1] in (["sudo"], ["env"]):
            words = words[1:]
        found.append([part for word in words for part in (word.split() or [""])])
    return found


class _Runs:
    """Each RUN is read once: what it installs, in which group, and what it removes."""

    def __init__(self, _project: Project) -> None:
        self.read: dict[Instruction, tuple[list[tuple[Installed, str]], set[str]]] = {}


def _read(run: Instruction) -> tuple[list[tuple[Installed, str]], set[str]]:
    found: list[tuple[Installed, str]] = []
    gone: set[str] = set()
    for words in commands(run):
        manager = _MANAGERS.get(posixpath.basename(words[0])) if words else None
        if manager is None:
            continue
        verb = next((word for word in words[1:] if not word.startswith("-")), "")
        rest = words[words.index(verb) + 1 :] if verb else []
        if verb in _INSTALL:
            group = _group(rest)
            found += [(Installed(name, kind, run.at), group) for name, kind in _names(rest, manager)]
        elif verb in _REMOVE:
            gone |= {name for name, _ in _names(rest, manager)}
    return found, gone


def _group(words: list[str]) -> str:
    """Return the name that ``apk add --virtual NAME`` gives to what it installs."""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in ("--virtual", "-t"):
            return value if equals else (words[number + 1] if number + 1 < len(words) else "")
    return ""


def _names(words: list[str], manager: str) -> Iterator[tuple[str, str]]:
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-r", "--requirement") and rest:
            yield rest.pop(0), "requirements"
        elif word.startswith(("-r", "--requirement=")) and manager == "pip":
            yield word.removeprefix("--requirement=").removeprefix("-r"), "requirements"
        elif word in ("-e", "--editable") and rest:
            yield rest.pop(0), "directory"
        elif word in (*_WITH_VALUE, *_MORE_WITH_VALUE):
            rest = rest[1:]
        elif not word.startswith("-"):
            is_directory = manager == "pip" and (word.startswith((".", "/")) and not word.endswith(".whl"))
            yield word, "directory" if is_directory else manager
