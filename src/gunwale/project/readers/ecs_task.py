"""Amazon ECS task definitions and services, as JSON for the command line or inside CloudFormation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.syntax import yaml

if TYPE_CHECKING:
    from gunwale.project.facts import Source

TOPIC = "probes"
_RELEVANT = re.compile(
    r"\"containerDefinitions\"|AWS::ECS::TaskDefinition|AWS::ECS::Service|AWS::ElasticLoadBalancingV2::TargetGroup"
)
_OURS = {
    "AWS::ECS::TaskDefinition": "task",
    "AWS::ECS::Service": "service",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "target-group",
}


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A *kind* of resource ("task", "service", "target-group"), its *name* and its properties."""

    kind: str
    name: str
    node: yaml.Node
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class EcsFile:
    """One file and its resources."""

    path: str
    resources: tuple[Resource, ...]


def is_one(path: str) -> bool:
    """Tell by the suffix: what is inside decides."""
    return path.endswith((".json", ".yaml", ".yml", ".template")) and not path.endswith("package-lock.json")


def is_relevant(source: Source) -> bool:
    """Whether the file names a resource of ours."""
    return _RELEVANT.search(source.text) is not None


def read(source: Source) -> EcsFile | None:
    """Read one file; None where it holds no resource of ours."""
    if not is_relevant(source):
        return None
    found: list[Resource] = []
    for document in yaml.documents(source):
        inner = document.get("taskDefinition") or document
        if inner.get("containerDefinitions") is not None:
            found.append(Resource("task", text(inner, "family"), inner, source.path))
        resources = document.get("Resources")
        for name, node in resources.items() if resources else ():
            kind, properties = node.get("Type"), node.get("Properties")
            if kind is not None and kind.text in _OURS and properties is not None:
                found.append(Resource(_OURS[kind.text], name, properties, source.path))
    return EcsFile(source.path, tuple(found)) if found else None


def get(node: yaml.Node | None, *keys: str) -> yaml.Node | None:
    """Return the node at the path of *keys*, written as the API has them or as CloudFormation does."""
    for key in keys:
        if node is None:
            return None
        node = node.get(key) or node.get(key[0].upper() + key[1:])
    return node


def text(node: yaml.Node | None, *keys: str) -> str:
    """Return the text there, or ""."""
    found = get(node, *keys)
    return (found.text or "") if found else ""
