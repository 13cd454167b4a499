"""A module that starts the application itself, where nothing else of the project starts anything.

`python app.py` is then the one way there is; whoever has a server installed has another, which is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.installed import brings_server, nearest
from gunwale.project.python.applications import runs
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

IS_LAST = True  # asked only where the other launchers find nothing


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every module that runs the application when it is run."""
    paths = dict.fromkeys(
        call.at.path
        for call in project.derive(runs)
        if call.is_main and not call.scope and role(call.at.path) is not Role.DEVELOPMENT
    )
    # Without requirements what is installed is not known, a server least of all.
    if not paths or nearest(project, "flask", "") is None or brings_server(project):
        return
    for path in paths:
        at = next(call.at for call in project.derive(runs) if call.at.path == path and call.is_main)
        words = launch.given(["python", path], at)
        yield launch.Launch(kind="script", title=f"{path}: python {path}", at=at, words=words)
