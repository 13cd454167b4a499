"""Application Load Balancers of Terraform: what they do to fields, and how long they wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.passage import Passage
from gunwale.project.readers.terraform import Terraform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.syntax.hcl import Block

_LIKE = {"preserve": "alb-preserve", "remove": "alb-remove"}


def balancers(project: Project, kind: str) -> Iterator[Block]:
    """Yield the load balancers of a *kind*, "application" or "network"; one of a variable kind is none."""
    for file in project.of(Terraform):
        for block in (*file.resources("aws_lb"), *file.resources("aws_alb")):
            given = block.node.get("load_balancer_type")
            if (given.text if given else "application") == kind:
                yield block


def passages(project: Project) -> Iterator[Passage]:
    """Yield one passage for each; which container it leads to is clear where the project has one."""
    for block in balancers(project, "application"):
        mode, idle = block.node.get("xff_header_processing_mode"), block.node.get("idle_timeout")
        number = idle.scalar() if idle else None
        has_port = block.node.get("enable_xff_client_port")
        like = _LIKE.get((mode.text or "") if mode else "", "alb")
        kept = Given(float(number), idle.at) if idle and isinstance(number, int) else None
        yield Passage(
            proxy="the ALB",
            like="alb-client-port" if like == "alb" and has_port and has_port.scalar() is True else like,
            at=block.at,
            targets=(),
            kinds=("terraform",),
            unsure="its mode is a variable" if mode and "$" in (mode.text or "") else "",
            idle_timeout=kept,
            read_timeout=kept,  # it waits no longer for an answer than for the next request
        )
