"""What Terraform has a machine run when it is made: remote-exec, and user data, inline or from a script."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.facts import Place, Source, UnreadableError
from gunwale.project.readers.terraform import Terraform
from gunwale.project.roles import of_production
from gunwale.project.syntax import shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.syntax.hcl import Block

_FILE = re.compile(
    r"""\b(?:file|filebase64|templatefile)\(\s*"(?:\$\{path\.(?:module|root)\}/)?(?P<path>[^"$]+)\""""
)
_PYTHON = re.compile(r"python[\d.]*")
_BEFORE = ("sudo", "nohup", "setsid")
_SERVERS = ("gunicorn", "uwsgi", "waitress-serve", "flask")
_MODULES = ("gunicorn", "flask", "waitress")


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield one launch for each text that starts an application in Python."""
    files = {each.path: each for each in project.of(Terraform)}
    for path in of_production(files):
        for block in files[path].blocks:
            for text, at in _texts(project, block) if block.kind == "resource" else ():
                title = f"{path}: {' '.join(block.labels)}"
                for words, where in _serving(text, at):
                    given = launch.given(words, where)
                    yield launch.Launch(kind="provisioned", title=title, at=where, words=given)


def _texts(project: Project, block: Block) -> Iterator[tuple[str, Place]]:
    """Yield each text, and where its first line stands."""
    inline = block.node.get("provisioner remote-exec", "inline")
    if inline is not None and inline.elements:
        first = inline.elements[0].at
        lines: list[str] = []
        for each in inline.elements:
            lines += [""] * (each.at.line - first.line - len(lines)) + [each.text or ""]
        yield "\n".join(lines), first
    given = block.node.get("user_data") or block.node.get("metadata_startup_script")
    if given is None or not given.text:
        return
    named = _FILE.search(given.text)
    if named is None:
        if not given.text.startswith("${"):
            yield given.text, given.at
        return
    # Relative to the module, or to where terraform is run: where that is, its name tells as well.
    tail = f"/{posixpath.normpath(named['path']).removeprefix('../')}"
    several = [each for each in project.tree.files if f"/{each}".endswith(tail)]
    source = project.source(several[0]) if len(several) == 1 else None
    if source is not None:
        yield source.text, Place(source.path, 1)


def _serving(text: str, at: Place) -> Iterator[tuple[list[str], Place]]:
    """Yield the commands that may be the application's server, each with its place."""
    try:
        script = shell.parse(Source(at.path, text), first=at)
    except UnreadableError:
        return
    for command in script.commands:
        words = [shell.put_in(word, script, {}).text for word in command.words]
        while words and words[0] in _BEFORE:
            words.pop(0)
        name = posixpath.basename(words[0]) if words else ""
        is_module = words[1:2] == ["-m"] and words[2:3] and words[2] in _MODULES
        is_file = len(words) > 1 and words[1].endswith(".py")
        if name in _SERVERS or (_PYTHON.fullmatch(name) and (is_module or is_file)):
            yield words, command.at
