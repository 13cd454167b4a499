"""Rules, discovered; and their pages: a docstring is a rule's manual page, its examples are its test."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from gunwale.check import rules
from gunwale.check.finding import Confidence, Finding, Severity, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gunwale.project.model import Project

_HEADING = re.compile(r"^## (Example|Use instead)(?:: (.*))?$", re.MULTILINE)
_FLAGGED = re.compile(r"^Flagged at `([^`]+):(\d+)`", re.MULTILINE)
_BLOCK = re.compile(r"^```\w* ?([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class About:
    """What a rule module says of itself, as ``RULE``: *topic*, and how bad and how sure its findings are."""

    topic: Topic
    severity: Severity
    confidence: Confidence = Confidence.CERTAIN


class Example(NamedTuple):
    """A project of the page: its *files*, and where the rule flags it (empty: it must not)."""

    title: str
    files: dict[str, str]
    flagged: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. *page* is Markdown; its first line says the fault in a sentence."""

    name: str
    about: About
    page: str
    check: Callable[[Project], Iterable[Finding]]

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.split("\n", 1)[0]

    def examples(self) -> list[Example]:
        """Return the example projects of the page: what must be flagged, and what to use instead."""
        parts = _HEADING.split(self.page)
        found = []
        for kind, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            section = re.split(r"^## ", body, maxsplit=1, flags=re.MULTILINE)[0]
            files = {match[1].strip(): match[2] for match in _BLOCK.finditer(section) if match[1].strip()}
            flagged = tuple((path, int(line)) for path, line in _FLAGGED.findall(section))
            found.append(Example(title or kind, files, flagged if kind == "Example" else ()))
        return found


def names() -> list[str]:
    """Return the name of every rule, sorted."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(rules.__path__))


def discover() -> dict[str, Rule]:
    """Return every rule by its name, sorted."""
    return {name: _load(name) for name in names()}


def find(name: str) -> Rule:
    """Return the rule *name*; KeyError where there is none."""
    if name not in names():
        raise KeyError(name)
    return _load(name)


def _load(name: str) -> Rule:
    module = importlib.import_module(f"{rules.__name__}.{name.replace('-', '_')}")
    about = cast("About", module.RULE)
    check = cast("Callable[[Project], Iterable[Finding]]", module.check)
    return Rule(name, about, inspect.cleandoc(module.__doc__ or ""), check)
