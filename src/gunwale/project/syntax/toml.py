"""TOML: a file's values; tomllib keeps no places."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.facts import Source


def values(source: Source) -> dict[str, Any]:
    """Read a file; UnreadableError where it is broken."""
    try:
        return tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableError(f"broken TOML: {error}") from error


def table(found: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the table at *key*; an empty one where there is none."""
    inner = found.get(key)
    return inner if isinstance(inner, dict) else {}
