"""A load balancer's target groups, of Terraform and CloudFormation: what they ask, and the start behind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.containers import Task
from gunwale.project.ports import listeners
from gunwale.project.readers.ecs_task import EcsFile, get
from gunwale.project.readers.terraform import Terraform
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

DELAY = "deregistration_delay.timeout_seconds"
_CODES = re.compile(r"\d{3}(?:-\d{3})?(?:,\s*\d{3}(?:-\d{3})?)*")


@dataclass(frozen=True, slots=True, eq=False)
class TargetGroup:
    """One group: the *port* of its targets, and of its health check the *path*, *protocol* and *codes*.

    None and "" mean that nothing is written. *delay*: how long a target is drained.
    """

    at: Place
    port: str
    protocol: str
    path: Node | None
    codes: str
    delay: Node | None

    @property
    def asks_by_http(self) -> bool:
        """Whether its health check is a request, as far as the files tell."""
        return self.protocol.upper() in ("HTTP", "HTTPS")

    def accepts(self, status: int) -> bool | None:
        """Whether an answer of *status* counts as healthy; None where that is not known."""
        codes = self.codes or "200"
        if not _CODES.fullmatch(codes):
            return None
        spans = (each.strip().partition("-") for each in codes.split(","))
        return any(int(low) <= status <= int(high or low) for low, _, high in spans)

    def refuses(self, *statuses: int) -> bool:
        """Whether each of *statuses* is unhealthy for certain, to a health check over plain HTTP."""
        return self.protocol.upper() == "HTTP" and all(self.accepts(each) is False for each in statuses)


def target_groups(project: Project) -> tuple[TargetGroup, ...]:
    """Return every target group."""
    return (*_of_terraform(project), *_of_cloudformation(project))


def behind(project: Project, group: TargetGroup) -> Start | None:
    """Return the task that *group* leads to, by its port; None where several may be meant."""
    tasks = [each for each in project.derive(web_starts) if isinstance(each.launch.platform, Task)]
    found = [start for start in tasks if group.port and group.port in _ports(start)]
    return found[0] if len(found) == 1 else None


def _of_terraform(project: Project) -> Iterator[TargetGroup]:
    for file in project.of(Terraform):
        for kind in ("aws_lb_target_group", "aws_alb_target_group"):
            for block in file.resources(kind):
                node, check = block.node, block.node.get("health_check")
                own = _text(check.get("protocol")) if check else ""
                yield TargetGroup(
                    at=block.at,
                    port=_text(node.get("port")),
                    protocol=own or _text(node.get("protocol")),
                    path=check.get("path") if check else None,
                    codes=_text(check.get("matcher")) if check else "",
                    delay=node.get("deregistration_delay"),
                )


def _of_cloudformation(project: Project) -> Iterator[TargetGroup]:
    for file in project.of(EcsFile):
        for resource in file.resources:
            if resource.kind == "target-group":
                node = resource.node
                attributes = get(node, "targetGroupAttributes")
                pairs = [(_text(get(each, "key")), get(each, "value")) for each in _elements(attributes)]
                yield TargetGroup(
                    at=node.at,
                    port=_text(get(node, "port")),
                    protocol=_text(get(node, "healthCheckProtocol")) or _text(get(node, "protocol")),
                    path=get(node, "healthCheckPath"),
                    codes=_text(get(node, "matcher", "httpCode")),
                    delay=next((value for key, value in pairs if key == DELAY), None),
                )


def _elements(node: Node | None) -> tuple[Node, ...]:
    return node.elements if node else ()


def _text(node: Node | None) -> str:
    return (node.text or "") if node else ""


def _ports(start: Start) -> set[str]:
    found = {each.port for each in listeners(start) or ()}
    image, platform = start.launch.image, start.launch.platform
    if isinstance(platform, Task):
        for each in _elements(get(platform.node, "portMappings")):
            found |= {port} if (port := _text(get(each, "containerPort"))) else set()
    for instruction in image.instructions("EXPOSE") if image else ():
        found |= {word.partition("/")[0] for word in instruction.value.split()}
    return found
