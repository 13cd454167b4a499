"""Which files are of production, by their names: what is for development starts nothing there."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"[a-z0-9]+")
_PRODUCTION = frozenset({"prod", "production", "prd", "live"})
_DEVELOPMENT = frozenset(
    [
        "dev",
        "devel",
        "develop",
        "development",
        "devcontainer",
        "local",
        "test",
        "tests",
        "testing",
        "ci",
        "debug",
        "example",
        "examples",
        "sample",
        "samples",
        "template",
        "templates",
        "override",
        "e2e",
        "bench",
        "benchmarks",
        "fixtures",
        "docs",
        "doc",
        "demo",
    ]
)

_OF_PLATFORMS = (".yaml", ".yml", ".json")


class Role(StrEnum):
    """What a file is for."""

    PRODUCTION = "production"
    UNSAID = "unsaid"
    DEVELOPMENT = "development"


@lru_cache(maxsize=2**14)
def role(path: str) -> Role:
    """Tell from the words of *path*; the file's own name outweighs its directories."""
    folder, _, name = path.rpartition("/")
    if name.endswith(_OF_PLATFORMS):
        # A chart's templates, and stacks of CloudFormation, are what production is made of.
        folder = f"{folder}/".replace("/templates/", "/").removeprefix("templates/")
        name = name.removeprefix("template.")
    for part in (name, folder):
        words = set(_WORD.findall(part.lower()))
        if words & _PRODUCTION:
            return Role.PRODUCTION
        if words & _DEVELOPMENT:
            return Role.DEVELOPMENT
    return Role.UNSAID


def of_production(paths: Iterable[str]) -> list[str]:
    """Keep what production uses: of one directory, the files that say so, else those that say nothing."""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        if role(path) is not Role.DEVELOPMENT:
            by_folder.setdefault(path.rpartition("/")[0], []).append(path)
    kept = []
    for together in by_folder.values():
        said = [path for path in together if role(path) is Role.PRODUCTION]
        kept += said or together
    return sorted(kept)
