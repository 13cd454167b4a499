"""gunwale's own plan, where no file of the project starts it otherwise: `gunwale serve` beside the file."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.readers.plan_file import PlanFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

IS_LAST = True  # asked only where the other launchers find nothing


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every plan of production."""
    for plan in project.of(PlanFile):
        if role(plan.path) is not Role.DEVELOPMENT:
            yield launch.Launch(
                kind="plan",
                title=f"{plan.path}: gunwale serve",
                at=plan.at,
                words=launch.given(["gunwale", "serve"], plan.at),
                directory=posixpath.dirname(plan.path),
            )
