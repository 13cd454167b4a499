"""gunwale's own plan: gunwale.toml, or [tool.gunwale] of pyproject.toml, with the place of each value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.syntax import toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.facts import Place, Source

TOPIC = "start"
_NAMES = ("gunwale.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True, eq=False)
class PlanFile:
    """The plan that one file holds, *at* its beginning."""

    path: str
    source: Source
    table: Mapping[str, object]
    at: Place

    def get(self, key: str) -> Given[object] | None:
        """Return what the plan gives a dotted *key* ("serve.workers"); None where it is silent."""
        found: object = self.table
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return None if found is None else Given(found, self._place(key))

    def _place(self, key: str) -> Place:
        """Return the line of a key: tomllib keeps no places, so a line that begins with its last part."""
        section, _, name = key.rpartition(".")
        here, wanted = "", {section, f"tool.gunwale.{section}".rstrip(".")}
        for number, line in enumerate(self.source.lines(), 1):
            text = line.strip()
            if text.startswith("["):
                here = text.strip("[] ")
            elif here in wanted and text.partition("=")[0].strip() in (name, f"{section}.{name}"):
                return self.source.at(number, line.index("=") + 2)
        return self.at


def is_one(path: str) -> bool:
    """Tell by the name."""
    return path.rpartition("/")[2] in _NAMES


def read(source: Source) -> PlanFile | None:
    """Read one file; None where it holds no plan."""
    values = toml.values(source)
    tool = values.get("tool")
    table = tool.get("gunwale") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        if source.path.endswith("pyproject.toml"):
            return None
        table = values
    lines = source.lines()
    first = next((number for number, line in enumerate(lines, 1) if "tool.gunwale" in line), 1)
    return PlanFile(source.path, source, table, source.at(first))
