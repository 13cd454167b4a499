"""Who asks whether a start is healthy: HEALTHCHECK, compose; other platforms' probes join them here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.expand import expand

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.readers.dockerfile import Instruction
    from gunwale.project.start_path import Start
    from gunwale.project.syntax.yaml import Node


class Check(NamedTuple):
    """One health check: its *command* as one text, where it stands, and who runs it."""

    command: str
    at: Place
    by: str


def checks(start: Start) -> tuple[Check, ...]:
    """Return what checks *start*; a check that is switched off is none."""
    image, service = start.launch.image, start.launch.service
    node = service.get("healthcheck") if service else None
    if node is not None:
        return _of_compose(node)
    return _of_image(image.healthcheck) if image and image.healthcheck else ()


def _of_compose(node: Node) -> tuple[Check, ...]:
    disabled, test = node.get("disable"), node.get("test")
    if (disabled is not None and disabled.scalar() is True) or (
        test is not None and test.texts() == ["NONE"]
    ):
        return ()
    words = test.texts() if test is not None else []
    if words[:1] in (["CMD"], ["CMD-SHELL"]):
        words = words[1:]
    return (Check(expand(" ".join(words), {}).text, node.at, "compose"),)


def _of_image(instruction: Instruction) -> tuple[Check, ...]:
    value = instruction.value
    if value.upper() == "NONE":
        return ()
    return (Check(value.removeprefix("CMD").strip(), instruction.at, "HEALTHCHECK"),)
