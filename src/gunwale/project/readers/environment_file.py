""".env files: NAME=value lines, as python-dotenv and compose's env_file read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.facts import Source

TOPIC = "secrets"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class EnvironmentFile:
    """The *values* of one file by name."""

    path: str
    values: Mapping[str, Given[str]]


def is_one(path: str) -> bool:
    """Tell by the name: .env, .env.prod, prod.env, .flaskenv."""
    name = path.rpartition("/")[2]
    return name in (".flaskenv", "env") or name.startswith(".env") or name.endswith(".env")


def read(source: Source) -> EnvironmentFile:
    """Read one file; what is no assignment is passed over, as its readers do."""
    found = {}
    for number, line in enumerate(source.lines(), 1):
        match = _LINE.fullmatch(line)
        if match and not line.lstrip().startswith("#"):
            value = match[2]
            if value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1:
                value = value[1:-1]
            else:
                value = re.sub(r"\s+#.*", "", value)
            found[match[1]] = Given(value, source.at(number))
    return EnvironmentFile(source.path, found)
