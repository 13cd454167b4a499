"""Terraform's files: resources, variables, modules, and the values of .tfvars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.syntax import hcl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Source

TOPIC = "probes"


@dataclass(frozen=True, slots=True, eq=False)
class Terraform:
    """One file and its *blocks*."""

    path: str
    blocks: tuple[hcl.Block, ...]

    def resources(self, kind: str) -> Iterator[hcl.Block]:
        """Yield the resources of *kind*: "aws_lb_target_group"."""
        for each in self.blocks:
            if each.kind == "resource" and each.labels[:1] == (kind,):
                yield each


def is_one(path: str) -> bool:
    """Tell by the suffix."""
    return path.endswith((".tf", ".tfvars"))


def read(source: Source) -> Terraform:
    """Read one file."""
    return Terraform(source.path, hcl.blocks(source))
