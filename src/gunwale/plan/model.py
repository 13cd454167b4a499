"""The Plan: one frozen dataclass a section, each field with its kind, default, reason and meaning.

The loader, ``--set``, the error messages and the settings page are all derived from these fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gunwale.errors import Problem
from gunwale.plan import kinds, shapes
from gunwale.plan.sections import (
    Database,
    Environment,
    Health,
    Image,
    Proxies,
    Resources,
    Rollout,
    Security,
    Serve,
    derived,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gunwale.plan.kinds import Kind
    from gunwale.plan.origin import Candidate, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of the plan, by its dotted *key*; *why* is the reason of its default."""

    key: str
    kind: Kind
    meaning: str
    default: object
    why: str
    is_derived: bool


class Severity(StrEnum):
    """How bad a problem of the plan is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem(Problem):
    """Something the plan names about the setting *key*."""

    key: str = ""
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every value of a deployment, with where it came from.

    *file* is the plan's file; None means there is none and these are defaults.
    *left_to_server* maps keys to why only Gunicorn knows their value: serve passes none for them.
    """

    app: str | None = derived(shapes.APP, "the WSGI application")
    name: str = derived(kinds.text("a name", r"[\w.-]+"), "title of the processes")
    serve: Serve
    proxies: Proxies
    health: Health
    security: Security
    environment: Environment
    resources: Resources
    database: Database
    rollout: Rollout
    image: Image
    file: Path | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)
    candidates: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict, repr=False)
    problems: tuple[PlanProblem, ...] = ()
    left_to_server: Mapping[str, str] = field(default_factory=dict)

    def flat(self) -> dict[str, object]:
        """Return dotted key → JSON value, the form in which the plan travels."""
        values = {}
        for found in SETTINGS.values():
            section, _, name = found.key.rpartition(".")
            values[found.key] = _jsonable(getattr(getattr(self, section) if section else self, name))
        return values

    @property
    def title(self) -> str:
        """The first log line of every verb: the plan's file."""
        return f"plan file: {self.file}" if self.file else "no plan file: defaults"


SECTIONS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "serve": Serve,
        "proxies": Proxies,
        "health": Health,
        "security": Security,
        "environment": Environment,
        "resources": Resources,
        "database": Database,
        "rollout": Rollout,
        "image": Image,
    }
)


def _settings() -> Iterator[Setting]:
    for section, owner in (("", Plan), *SECTIONS.items()):
        for each in fields(owner):
            if "kind" in each.metadata:
                yield Setting(
                    key=f"{section}.{each.name}" if section else each.name,
                    kind=each.metadata["kind"],
                    meaning=each.metadata["meaning"],
                    default=each.metadata["default"],
                    why=each.metadata["why"],
                    is_derived=not each.metadata["why"],
                )


SETTINGS: Mapping[str, Setting] = MappingProxyType({found.key: found for found in _settings()})


def _jsonable(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_jsonable(each) for each in value]
    if isinstance(value, dict | MappingProxyType):
        return {key: _jsonable(each) for key, each in value.items()}
    return value
