"""Which version of a package production may run with, by all that the project says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.readers.requirements import Requirement, Requirements, normalised
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.model import Project


def requirements(project: Project, name: str) -> list[Requirement]:
    """Return what production's files say of the package *name*; a lock's word goes first."""
    wanted = normalised(name)
    files = sorted(project.of(Requirements), key=lambda file: not file.is_lock)
    return [
        each
        for file in files
        if role(file.path) is not Role.DEVELOPMENT
        for each in file.requirements
        if each.name == wanted
    ]


def may_be(project: Project, name: str, *version: int) -> bool:
    """Whether *version* or later of *name* may be what runs; where nothing is said, the newest is."""
    found = requirements(project, name)
    pinned = [each for each in found if each.pinned is not None]
    return all(each.may_be(*version) for each in pinned or found)
