"""Fly's own proxy, which is in front of every application there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.passage import Passage
from gunwale.project.readers.fly import FlyApp
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project


def passages(project: Project) -> Iterator[Passage]:
    """Yield one passage for each application of production."""
    files = {each.path: each for each in project.of(FlyApp)}
    for path in of_production(files):
        app = files[path]
        at = app.port.at if app.port is not None else app.at
        yield Passage(proxy="Fly's proxy", like="fly", at=at, targets=(), kinds=("fly",), is_tls=True)
