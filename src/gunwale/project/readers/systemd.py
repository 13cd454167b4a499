"""systemd's service units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError
from gunwale.project.syntax import ini

if TYPE_CHECKING:
    from gunwale.project.facts import Source

TOPIC = "start"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its *service* section, and *is_users*: it is started by a user's own systemd."""

    path: str
    service: ini.Section
    is_users: bool


def is_one(path: str) -> bool:
    """Tell by the name."""
    return path.endswith((".service", ".service.j2", ".service.tmpl"))


def read(source: Source) -> Unit | None:
    """Read one unit; None for one that starts nothing."""
    if "{{" in source.text or "{%" in source.text:
        raise UnreadableError("a template")
    found = {each.name: each for each in ini.sections(source)}
    service, install = found.get("Service"), found.get("Install")
    if service is None or service.last("ExecStart") is None:
        return None
    wanted = install.last("WantedBy") if install else None
    is_users = "/user/" in source.path or (wanted is not None and wanted.value == "default.target")
    return Unit(source.path, service, is_users)
