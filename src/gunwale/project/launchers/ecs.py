"""A container of an Amazon ECS task definition: its image's command, with the definition's own over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.containers import Task
from gunwale.project.readers.ecs_task import EcsFile, get
from gunwale.project.roles import of_production
from gunwale.project.task_launch import task_launch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.launch import Launch
    from gunwale.project.model import Project


def launches(project: Project) -> Iterator[Launch]:
    """Yield a launch for every container of production that runs an image of the project."""
    # CloudFormation calls every file of its own a template, and SAM's is template.yaml.
    files = {each.path.replace("template", "stack"): each for each in project.of(EcsFile)}
    for name in of_production(files):
        path = files[name].path
        for each in files[name].resources:
            containers = get(each.node, "containerDefinitions") if each.kind == "task" else None
            for node in containers.elements if containers else ():
                found = task_launch(project, "ecs", path, Task(node, each.node))
                if found is not None:
                    yield found
