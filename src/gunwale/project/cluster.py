"""What a Kubernetes cluster joins by names and labels: Ingress to Service, Service to pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.readers.kubernetes import Manifest
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.containers import Pod
    from gunwale.project.model import Project
    from gunwale.project.readers.kubernetes import Object
    from gunwale.project.syntax.yaml import Node


class Backend(NamedTuple):
    """One path of an *ingress* and the *service* it goes to; *host*: the name it is for, "" for any."""

    ingress: Object
    service: str
    port: str
    host: str
    path: str
    node: Node


def objects(project: Project) -> tuple[Object, ...]:
    """Return the objects of every manifest of production."""
    files = {each.path: each for each in project.of(Manifest)}
    return tuple(each for path in of_production(files) for each in files[path].objects)


def services_of(project: Project, pod: Pod) -> tuple[Object, ...]:
    """Return the Services whose selector chooses *pod*."""
    labels = _labels(pod)
    found = []
    for each in project.derive(objects):
        selector = each.node.get("spec", "selector") if each.kind == "Service" else None
        wanted = _texts(selector) if selector is not None else {}
        if wanted and wanted.items() <= labels.items():
            found.append(each)
    return tuple(found)


def backends(project: Project) -> tuple[Backend, ...]:
    """Return every way that an Ingress leads to a Service."""
    ingresses = [each for each in project.derive(objects) if each.kind == "Ingress"]
    return tuple(backend for each in ingresses for backend in _backends(each))


def ingresses_of(project: Project, pod: Pod) -> tuple[Object, ...]:
    """Return the Ingresses that lead to *pod*."""
    names = {each.name for each in services_of(project, pod)}
    leading = [each.ingress for each in project.derive(backends) if each.service in names]
    return tuple(dict.fromkeys(leading))


def annotation(each: Object, name: str) -> Node | None:
    """Return an annotation of an object."""
    return each.node.get("metadata", "annotations", name)


def attribute(each: Object, name: str, key: str) -> str | None:
    """Return one of the pairs ``key=value,key=value`` that an annotation holds."""
    node = annotation(each, name)
    pairs = (pair.partition("=") for pair in ((node.text or "") if node else "").split(","))
    return next((value.strip() for found, _, value in pairs if found.strip() == key), None)


def _labels(pod: Pod) -> dict[str, str]:
    node = pod.controller.node
    found = node.get("spec", "template", "metadata", "labels") or node.get("metadata", "labels")
    return _texts(found) if found is not None else {}


def _texts(node: Node) -> dict[str, str]:
    return {key: each.text or "" for key, each in node.items()}


def _backends(ingress: Object) -> Iterator[Backend]:
    spec = ingress.node.get("spec")
    if spec is None:
        return
    default = spec.get("defaultBackend") or spec.get("backend")
    if default is not None:
        yield from _backend(ingress, default, "", "/")
    for rule in _elements(spec.get("rules")):
        host = _text(rule.get("host"))
        for each in _elements(rule.get("http", "paths")):
            backend = each.get("backend")
            if backend is not None:
                yield from _backend(ingress, backend, host, _text(each.get("path")) or "/")


def _backend(ingress: Object, node: Node, host: str, path: str) -> Iterator[Backend]:
    name = node.get("service", "name") or node.get("serviceName")  # the second is v1beta1's
    port = node.get("service", "port", "number") or node.get("servicePort")
    if name is not None and name.text:
        yield Backend(ingress, name.text, _text(port), host, path, name)


def _elements(node: Node | None) -> tuple[Node, ...]:
    return node.elements if node is not None else ()


def _text(node: Node | None) -> str:
    return (node.text or "") if node is not None else ""
