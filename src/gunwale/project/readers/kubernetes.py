"""Kubernetes manifests: the objects of every document of a file, with their places.

A chart's template comes rendered (`gunwale.project.charts`); any other is no YAML yet, and not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError
from gunwale.project.rendering import Rendered
from gunwale.project.syntax import yaml

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

TOPIC = "probes"
IS_IN_CHARTS = True
_KIND = re.compile(r"^\s*-?\s*[\"']?kind[\"']?\s*:\s*[\"']?(?P<kind>[A-Z]\w+)", re.MULTILINE)
_KINDS = frozenset(
    "Deployment StatefulSet DaemonSet ReplicaSet Pod Service Ingress ConfigMap Secret List Rollout".split()  # noqa: SIM905 - a table
)
_TEMPLATE = re.compile(r"\{\{")


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """One object: its *kind*, its *name*, and the *node* that holds all it says."""

    kind: str
    name: str
    node: yaml.Node
    at: Place
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """One file and its objects; those of a List are among them."""

    path: str
    objects: tuple[Object, ...]


def is_one(path: str) -> bool:
    """Tell by the suffix: what is inside decides."""
    return path.endswith((".yaml", ".yml")) and not path.startswith(".github/")


def is_relevant(source: Source) -> bool:
    """Whether the file names one of the kinds that facts are made of."""
    if "apiVersion" not in source.text:
        return False
    return any(match["kind"] in _KINDS for match in _KIND.finditer(source.text))


def read(source: Source) -> Manifest | None:
    """Read one file; None where it holds no object of ours."""
    if not is_relevant(source):
        return None
    if not isinstance(source, Rendered) and _TEMPLATE.search(source.text):
        raise UnreadableError("a template")
    found: list[Object] = []
    for document in yaml.documents(source):
        items = document.get("items")
        for node in items.elements if items else (document,):
            kind, name = node.get("kind"), node.get("metadata", "name")
            if kind is not None and kind.text in _KINDS:
                found.append(Object(kind.text, (name.text if name else "") or "", node, node.at, source.path))
    return Manifest(source.path, tuple(found)) if found else None
