"""A container of a Kubernetes workload: its image's command, with the pod's own over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project import launch
from gunwale.project.containers import Pod, image_of
from gunwale.project.facts import Given
from gunwale.project.readers.kubernetes import Manifest
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.readers.kubernetes import Object
    from gunwale.project.syntax.yaml import Node

_CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout")


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every container of production that runs an image of the project."""
    files = {each.path: each for each in project.of(Manifest)}
    for path in of_production(files):
        for each in files[path].objects:
            spec = _pod_spec(each)
            containers = spec.get("containers") if spec else None
            for node in containers.elements if containers else ():
                assert spec is not None
                found = _launch(project, Pod(node, spec, each))
                if found is not None:
                    yield found


def _pod_spec(each: Object) -> Node | None:
    if each.kind in _CONTROLLERS:
        return each.node.get("spec", "template", "spec")
    return each.node.get("spec") if each.kind == "Pod" else None


def _launch(project: Project, pod: Pod) -> launch.Launch | None:
    said, name = pod.node.get("image"), pod.node.get("name")
    made = image_of(project, (said.text if said else "") or "", (name.text if name else "") or "")
    command, arguments = _given(pod, "command"), _given(pod, "args")
    if made is None and command is None:
        return None
    if command is not None:
        words = command + (arguments or ())
    elif arguments is not None and made is not None:
        words = launch.of_instruction(made.entrypoint) + arguments
    else:
        assert made is not None
        words = launch.of_image(made)
    title = f"{pod.controller.path}: container {name.text if name else '?'}"
    environ = _environ(project, pod, made)
    return launch.Launch(
        kind="kubernetes", title=title, at=pod.at, words=words, environ=environ, image=made, platform=pod
    )


def _given(pod: Pod, key: str) -> launch.Words | None:
    node = pod.node.get(key)
    if node is None:
        return None
    return tuple(Given(each.text, each.at) for each in node.elements if each.text is not None)


def _environ(project: Project, pod: Pod, made: Image | None) -> dict[str, Given[str]]:
    environ = dict(made.environ) if made else {}
    sources = pod.node.get("envFrom")
    for each in sources.elements if sources else ():
        name = each.get("configMapRef", "name")
        for data in _config_maps(project, (name.text if name else "") or ""):
            environ |= {key: Given(node.text, node.at) for key, node in data.items() if node.text is not None}
    variables = pod.node.get("env")
    for each in variables.elements if variables else ():
        key, value = each.get("name"), each.get("value")
        if key is not None and key.text:
            environ.pop(key.text, None)
            if value is not None and value.text is not None:
                environ[key.text] = Given(value.text, value.at)
    return environ


def _config_maps(project: Project, name: str) -> Iterator[Node]:
    for file in project.of(Manifest):
        for each in file.objects:
            data = each.node.get("data")
            if name and each.kind == "ConfigMap" and each.name == name and data is not None:
                yield data
