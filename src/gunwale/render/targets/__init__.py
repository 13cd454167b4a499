"""One file a kind of file: a deployment in, artifacts out.

A target is a module with ``PATHS`` (globs of what it writes), ``fits`` (is it rendered for this deployment
without being named?), ``render``, and ``NEEDS``: the platforms without which its numbers would be wrong.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from gunwale.render.artifact import Artifact
    from gunwale.render.deployment import Deployment


def discover() -> dict[str, ModuleType]:
    """Every target of this package by its name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def named(names: Sequence[str]) -> dict[str, ModuleType]:
    """Return the targets *names*; ConfigurationError names all that there are not."""
    known = discover()
    problems = [_unknown(name, known) for name in names if name not in known]
    if problems:
        raise ConfigurationError(problems)
    return {name: known[name] for name in dict.fromkeys(names)}


def render(targets: dict[str, ModuleType], deployment: Deployment) -> list[Artifact]:
    """Render *targets*; ConfigurationError holds what every one of them cannot write."""
    artifacts: list[Artifact] = []
    problems: list[Problem] = []
    platform = deployment.plan.rollout.platform
    for name, target in targets.items():
        if platform not in target.NEEDS:
            problems.append(_misplaced(name, target, platform))
            continue
        try:
            artifacts += target.render(deployment)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return artifacts


def _unknown(name: str, known: Iterable[str]) -> Problem:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the targets are {', '.join(known)}"
    return Problem(where="gunwale render", message=f"no target {name!r}", hint=hint)


def _misplaced(name: str, target: ModuleType, platform: str) -> Problem:
    needs = " or ".join(f'"{each}"' for each in target.NEEDS)
    return Problem(
        where=f"gunwale render {name}",
        message=f"rollout.platform is {platform!r}: its clock and addresses would not fit",
        hint=f"write platform = {needs} under [tool.gunwale.rollout]",
    )
