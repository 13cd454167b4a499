"""Who did what to a site, and how it ended: a line of JSON each, never changed afterwards."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def record(path: Path, verb: str, **details: Any) -> None:
    """Append that this user did *verb*."""
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "user": _user(), "verb": verb, **details}
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def read(path: Path) -> list[dict[str, Any]]:
    """Return all lines, oldest first."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def _user() -> str:
    sudo = os.environ.get("SUDO_USER")
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{sudo} as {name}" if sudo else name
