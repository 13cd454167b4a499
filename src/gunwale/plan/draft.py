"""The plan while it is being made: values, their origins, and what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from gunwale.errors import Problem
from gunwale.plan.kinds import MisfitError
from gunwale.plan.model import SETTINGS, PlanProblem, Severity
from gunwale.plan.origin import Candidate, Origin, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunwale.plan.budget import Derived

_SECRET = ("environment.secrets",)  # someone may have written the secret itself
_LONGEST_REPR = 48


@dataclass(slots=True)
class Draft:
    """*values* by key; *errors* end the loading, *problems* do not."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)
    problems: list[PlanProblem] = field(default_factory=list)
    left_to_server: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def settle(self, candidates: Iterable[Candidate]) -> None:
        """Take for each key the first of *candidates*, strongest first, that fits; report all that do not."""
        for candidate in candidates:
            self.candidates.setdefault(candidate.key, []).append(candidate)
            kind = SETTINGS[candidate.key].kind
            try:
                given = candidate.value
                value = kind.read(kind.from_text(given) if candidate.is_text else given)  # type: ignore[arg-type]
            except ValueError as error:
                self._misfit(candidate, error)
                continue
            if candidate.key not in self.values:
                self.values[candidate.key] = value
                self.origins[candidate.key] = candidate.origin
        for key, found in SETTINGS.items():
            if key not in self.values and not found.is_derived:
                self.values[key] = found.default
                self.origins[key] = Origin(source=Source.DEFAULT, why=found.why)

    def _misfit(self, candidate: Candidate, error: ValueError) -> None:
        kind = SETTINGS[candidate.key].kind
        shown = "" if candidate.key in _SECRET else f", not {_brief(candidate.value)}"
        reason = str(error) if isinstance(error, MisfitError) else ""
        near = get_close_matches(str(candidate.value), kind.choices, n=1)
        hint = reason or (f'did you mean "{near[0]}"?' if near else "")
        message = f"should be {kind.expects}{shown}"
        if not candidate.origin.is_gunicorns:
            self.failed.add(candidate.key)
            self.errors.append(Problem(where=candidate.origin.place, message=message, hint=hint))
        elif candidate.key not in self.values:
            self.left_to_server.setdefault(candidate.key, f"{candidate.origin.place}: {message}")

    def is_set(self, key: str) -> bool:
        """Whether somebody gave the value of *key*."""
        return key in self.origins and self.origins[key].source not in (Source.DERIVED, Source.DEFAULT)

    def is_gunwales(self, key: str) -> bool:
        """Whether the value of *key* was given to gunwale, not to Gunicorn."""
        return self.is_set(key) and not self.origins[key].is_gunicorns

    def derive(self, key: str, derived: Derived) -> None:
        """Give *key* its derived value, unless somebody gave one."""
        if key not in self.values or self.origins[key].source is Source.DEFAULT:
            self.values[key] = derived.value
            self.origins[key] = Origin(source=Source.DERIVED, why=derived.why)

    def where(self, key: str) -> str:
        """Return the place of the value of *key*, for a problem."""
        origin = self.origins.get(key)
        return origin.place if origin and origin.place else key

    def warn(self, key: str, message: str, hint: str) -> None:
        """Name something about *key* that does not end the loading."""
        self.problems.append(PlanProblem(where=self.where(key), message=message, hint=hint, key=key))

    def note(self, where: str, message: str, hint: str, key: str = "") -> None:
        """Name something at *where* that need not be mended."""
        problem = PlanProblem(where=where, message=message, hint=hint, key=key, severity=Severity.NOTE)
        self.problems.append(problem)

    def fail(self, key: str, message: str, hint: str) -> None:
        """Name something about *key* that ends the loading."""
        self.errors.append(Problem(where=self.where(key), message=message, hint=hint))


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_REPR else f"{text[: _LONGEST_REPR - 1]}…"
