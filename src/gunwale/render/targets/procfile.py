"""Procfile: one web process, and the release command where there is one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from gunwale.render import start
from gunwale.render.artifact import Artifact
from gunwale.render.words import told

if TYPE_CHECKING:
    from gunwale.render.deployment import Deployment

PATHS = ("Procfile",)
NEEDS = ("none",)


def fits(deployment: Deployment) -> bool:  # noqa: ARG001 - a target's signature
    """Never by itself: nothing in a plan tells that a platform reads one."""
    return False


def render(deployment: Deployment) -> list[Artifact]:
    """Render the Procfile."""
    plan = deployment.plan
    lines = [
        *told(deployment.stop_sum()),
        "# The platform's own time to stop must be that long (Heroku's is 30 s, and cannot be changed).",
        "# PORT gives the address.",
        *told(deployment.because("rollout.command")),
        f"web: {shlex.join(start.command(deployment))}",
    ]
    for name, process in plan.rollout.processes.items():
        lines += ["# rollout.processes: its connections belong into database.others.", f"{name}: {process}"]
    if plan.rollout.release_command:
        lines += [
            *told(deployment.because("rollout.release_command")),
            f"release: {plan.rollout.release_command}",
        ]
    lines += ["# >>> yours: processes", "# <<< yours: processes"]
    return [Artifact(target="procfile", path="Procfile", body="\n".join(lines))]
