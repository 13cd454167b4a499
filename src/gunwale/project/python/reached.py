"""Which files a server imports: those of the applications, and what they import, and so on."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project.python.applications import applications
from gunwale.project.python.modules import find, find_owner
from gunwale.project.readers.python import PythonFile
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project


def reached(project: Project) -> frozenset[str]:
    """Return the paths of the files that are imported when a server of production starts."""
    pending = [each.file for each in project.derive(applications)]
    for start in project.derive(web_starts):
        module = start.server.application.partition(":")[0] if start.server else ""
        file = find(project, module, start.launch.at.path) if module else None
        pending += [file] if file is not None else []
    seen: set[str] = set()
    while pending:
        file = pending.pop()
        if file.path not in seen:
            seen.add(file.path)
            pending += _imported(project, file)
    return frozenset(seen)


def _imported(project: Project, file: PythonFile) -> Iterator[PythonFile]:
    """Yield what *file* imports, and the packages it lies in."""
    for name in set(file.imports.values()):
        owner = find(project, name, file.path) if "." not in name else None
        found = find_owner(project, name, file.path) if owner is None and "." in name else None
        module = find(project, name, file.path) if found is not None else owner
        yield from (each for each in (module, found[0] if found else None) if each is not None)
    package = project.one(PythonFile, posixpath.join(posixpath.dirname(file.path), "__init__.py"))
    if package is not None:
        yield package
