"""The start path: from what a deployment runs, through scripts and modules, to server and application.

Every finding can be judged by it. Where it cannot be known, `Start.outcome` is Unknown, with the reason.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from gunwale.project import launch, launchers
from gunwale.project.facts import Unknown
from gunwale.project.follow import Call, Path
from gunwale.project.image import build
from gunwale.project.start import Start

if TYPE_CHECKING:
    from gunwale.project.image import Image
    from gunwale.project.launch import Launch
    from gunwale.project.model import Project

_ALONE = "dockerfile"  # the launcher of an image's own command
_COMPOSE = "compose"


def starts(project: Project) -> tuple[Start, ...]:
    """Return where every launch of production ends."""
    known = sorted(module.name for module in pkgutil.iter_modules(launchers.__path__))
    modules = [importlib.import_module(f"{launchers.__name__}.{each}") for each in known]
    found: list[Launch] = []
    for module in sorted(modules, key=lambda each: getattr(each, "IS_LAST", False)):
        if not (found and getattr(module, "IS_LAST", False)):
            found += module.launches(project)
    resolved = _shipped(project, [_resolve(project, each) for each in _placed(found)])
    # A worker of the same image does not start what the image starts by itself.
    served = [each.launch for each in resolved if each.server is not None]
    return tuple(
        each for each in resolved if each.launch.kind != _ALONE or not _is_placed(each.launch, served)
    )


def _is_placed(launch: Launch, others: list[Launch]) -> bool:
    return any(each.kind != _ALONE and _stage(each) == _stage(launch) for each in others)


def _placed(launches: list[Launch]) -> list[Launch]:
    """Leave out an image by itself that a platform starts, and what is there twice."""
    placed = {_stage(each) for each in launches if each.kind != _ALONE}
    kept = [each for each in launches if each.kind != _ALONE or _stage(each) not in placed]
    return list({(each.title, each.at): each for each in kept}.values())


def _shipped(project: Project, found: list[Start]) -> list[Start]:
    """Put the image by itself in, where a compose file runs it for development only.

    So it does with the development server, or with none, in place of the real one of the Dockerfile.
    """
    lent: dict[tuple[str, str], list[Start]] = {}
    for each in found:
        if each.launch.kind == _COMPOSE and each.launch.image is not None:
            lent.setdefault((each.launch.image.dockerfile.path, each.launch.at.path), []).append(each)
    kept = list(found)
    for (path, _), several in lent.items():
        image = several[0].launch.image
        if image is None or any(_is_open(each) for each in several):
            continue
        whole = build(project, image.dockerfile, None, image.context)
        alone = _resolve(project, launch.alone(whole, path)) if whole is not None else None
        if alone is not None and alone.server is not None and not alone.server.is_development:
            kept = [each for each in kept if each not in several or each.server is None] + [alone]
    return kept


def _is_open(start: Start) -> bool:
    """Whether it is a real server, or may be one."""
    server = start.server
    return isinstance(start.outcome, Unknown) or (server is not None and not server.is_development)


def _stage(launch: Launch) -> tuple[str, int] | None:
    image = launch.image
    return (image.dockerfile.path, image.stage.index) if image else None


def web_starts(project: Project) -> tuple[Start, ...]:
    """Return the starts that end in a server; each rule about the process asks these."""
    return tuple(start for start in project.derive(starts) if start.server is not None)


def images(project: Project) -> tuple[tuple[Image, tuple[Start, ...]], ...]:
    """Return each image that a server is started from, with its starts: for rules about images."""
    found: dict[tuple[str, int], list[Start]] = {}
    for start in project.derive(web_starts):
        image = start.launch.image
        if image is not None:
            found.setdefault((image.dockerfile.path, image.stage.index), []).append(start)
    return tuple((image, tuple(several)) for several in found.values() if (image := several[0].launch.image))


def _resolve(project: Project, launch: Launch) -> Start:
    path = Path(project, launch)
    at = launch.words[0].at if launch.words else launch.at
    outcome = path.follow(Call(launch.words, at, launch.environ))
    if isinstance(outcome, Unknown):
        project.leave_unchecked("start", f"{launch.at}: {launch.title}: {outcome.why}")
    return Start(
        launch=launch,
        outcome=outcome,
        steps=tuple(path.steps),
        ancestors=tuple(path.ancestors),
        environ=path.environ,
    )
