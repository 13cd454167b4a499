"""What a container of an ECS task runs, whichever file defines the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.containers import Task, image_of
from gunwale.project.facts import Given
from gunwale.project.readers.ecs_task import get, text

if TYPE_CHECKING:
    from gunwale.project.image import Image
    from gunwale.project.model import Project


def task_launch(project: Project, kind: str, path: str, task: Task) -> launch.Launch | None:
    """Return the launch of one container: its image's command, with the definition's own over it."""
    made = image_of(project, text(task.node, "image") or "?", text(task.node, "name"))
    if made is None:
        return None
    entrypoint, command = _given(task, "entryPoint"), _given(task, "command")
    if entrypoint is not None:
        words = entrypoint + (command or ())
    elif command is not None:
        words = launch.of_instruction(made.entrypoint) + command
    else:
        words = launch.of_image(made)
    title = f"{path}: container {text(task.node, 'name') or '?'}"
    environ = _environ(task, made)
    return launch.Launch(
        kind=kind, title=title, at=task.at, words=words, environ=environ, image=made, platform=task
    )


def _given(task: Task, key: str) -> launch.Words | None:
    node = get(task.node, key)
    if node is None:
        return None
    texts = [part for each in node.texts() for part in (each.split(",") if node.text else [each])]
    return launch.given(texts, node.at)


def _environ(task: Task, made: Image) -> dict[str, Given[str]]:
    environ = dict(made.environ)
    variables = get(task.node, "environment")
    for each in variables.elements if variables else ():
        name, value = get(each, "name"), get(each, "value")
        if name is not None and name.text and value is not None and value.text is not None:
            environ[name.text] = Given(value.text, value.at)
    return environ
