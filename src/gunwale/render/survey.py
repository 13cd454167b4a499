"""Which files a render is about, and how each stands to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import rendered
from gunwale.render import files, targets
from gunwale.render.artifact import compare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from gunwale.render.artifact import Change
    from gunwale.render.deployment import Deployment


def survey(deployment: Deployment, names: Sequence[str]) -> list[Change]:
    """Render the targets *names*, else those written before, else those that fit; compare with the disk."""
    chosen = targets.named(names) if names else _usual(deployment)
    if not chosen:
        hint = f"name one: {', '.join(targets.discover())}"
        problem = Problem(where="gunwale render", message="no target fits this plan by itself", hint=hint)
        raise ConfigurationError(problem)
    artifacts = targets.render(chosen, deployment)
    return [compare(each, files.read(deployment.directory / each.path)) for each in artifacts]


def _usual(deployment: Deployment) -> dict[str, ModuleType]:
    known = targets.discover()
    written = {
        name: target for name, target in known.items() if _is_written(deployment.directory, name, target)
    }
    return written or {name: target for name, target in known.items() if target.fits(deployment)}


def _is_written(directory: Path, name: str, target: ModuleType) -> bool:
    for pattern in target.PATHS:
        for path in directory.glob(pattern):
            stamp = rendered.stamp_of(files.read(path) or "")
            if stamp and stamp["target"] == name:
                return True
    return False
