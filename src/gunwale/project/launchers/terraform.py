"""A container of an ECS task definition that Terraform makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.containers import Task
from gunwale.project.readers.terraform import Terraform
from gunwale.project.roles import of_production
from gunwale.project.task_launch import task_launch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.launch import Launch
    from gunwale.project.model import Project


def launches(project: Project) -> Iterator[Launch]:
    """Yield a launch for every container that runs an image of the project.

    Directories of environments are named dev, prod: the modules they share are production's too.
    """
    files = {each.path: each for each in project.of(Terraform)}
    for path in of_production(files):
        for each in files[path].resources("aws_ecs_task_definition"):
            containers = each.node.get("container_definitions")
            for node in containers.elements if containers else ():
                found = task_launch(project, "terraform", path, Task(node, each.node))
                if found is not None:
                    yield found
