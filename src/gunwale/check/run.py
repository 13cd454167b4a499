"""One audit: the rules, their crashes, suppressions and baseline, and what is shown of the rest."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import traceback
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.check import rule as rules
from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.suppress import Suppressions
from gunwale.project.facts import NotChecked, Place
from gunwale.project.model import Project
from gunwale.project.start_path import starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gunwale.check.rule import Rule
    from gunwale.project.start import Start

CRASHED = "rule-crashed"


@dataclass(frozen=True, slots=True)
class Reported:
    """A finding with everything its rule gives it; *fingerprint* outlives moved lines."""

    rule: str
    topic: Topic
    severity: Severity
    confidence: Confidence
    finding: Finding
    fingerprint: str

    @property
    def is_strict(self) -> bool:
        """Whether it is shown with --strict only."""
        return self.severity is Severity.NOTE or self.confidence is Confidence.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit says. *hidden* counts what only --strict shows, *known* what the baseline holds."""

    project: Project
    starts: tuple[Start, ...]
    findings: tuple[Reported, ...]
    not_checked: tuple[NotChecked, ...]
    hidden: int = 0
    known: int = 0

    @property
    def exit_code(self) -> int:
        """0 where nothing is found, 1 else."""
        return 1 if self.findings else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked for: names of rules and topics to *select* (none: all) and to *ignore*."""

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    is_strict: bool = False
    baseline: frozenset[str] = frozenset()

    def wants(self, rule: Rule) -> bool:
        """Whether *rule* is to be run."""
        told = {rule.name, rule.about.topic.value}
        return (not self.select or bool(told & self.select)) and not told & self.ignore


def audit(root: Path, choice: Choice | None = None) -> Report:
    """Audit the project in *root*."""
    with _uncollected():
        return _audit(root, choice or Choice())


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles away: it would go through every syntax tree again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # To the oldest generation unseen, or the first collection would go through all of it at once.
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _audit(root: Path, choice: Choice) -> Report:
    project = Project(root)
    found_starts = project.derive(starts)
    wanted = [each for each in rules.discover().values() if choice.wants(each)]
    findings = [finding for each in wanted for finding in findings_of(each, project)]
    suppressions = Suppressions.of(project)
    kept = [each for each in findings if not suppressions.take(each.rule, each.finding.at)]
    known = [each for each in kept if each.fingerprint in choice.baseline]
    kept = [each for each in kept if each.fingerprint not in choice.baseline]
    if not choice.select:
        kept += _with_fingerprints(project, suppressions.faults({each.name for each in wanted}))
    shown = [each for each in kept if choice.is_strict or not each.is_strict]
    return Report(
        project=project,
        starts=found_starts,
        findings=tuple(sorted(shown, key=_order)),
        not_checked=project.not_checked,
        hidden=len(kept) - len(shown),
        known=len(known),
    )


def findings_of(rule: Rule, project: Project) -> list[Reported]:
    """Return what one rule finds; its crash is a finding too, and never the end."""
    found: list[tuple[str, Topic, Severity, Confidence, Finding]] = []
    about = rule.about
    try:
        # Two starts that lead to one place are one finding there.
        for each in _once(rule.check(project)):
            severity, confidence = each.severity or about.severity, each.confidence or about.confidence
            found.append((rule.name, about.topic, severity, confidence, each))
    except ImportError:  # a parser that is not installed
        raise
    except Exception as error:  # noqa: BLE001 - said as a finding, and the other rules go on
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.name}, line {last.lineno}"
        finding = Finding(
            at=Place(".", 1),
            message=f"the rule {rule.name} crashed: {type(error).__name__} in {where}",
            hint=f"please report it; --ignore {rule.name} leaves the rule out",
        )
        found.append((CRASHED, about.topic, Severity.WARNING, Confidence.CERTAIN, finding))
    return list(_with_fingerprints(project, found))


def _once(found: Iterable[Finding]) -> Iterator[Finding]:
    seen: set[tuple[Place, str]] = set()
    for each in found:
        if (each.at, each.message) not in seen:
            seen.add((each.at, each.message))
            yield each


def _with_fingerprints(
    project: Project, found: Iterable[tuple[str, Topic, Severity, Confidence, Finding]]
) -> Iterator[Reported]:
    seen: Counter[str] = Counter()
    for name, topic, severity, confidence, finding in found:
        line = _line(project, finding.at)
        base = f"{name}\0{finding.at.path}\0{line}"
        text = f"{base}\0{seen[base]}"
        seen[base] += 1
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
        yield Reported(name, topic, severity, confidence, finding, fingerprint)


def _line(project: Project, at: Place) -> str:
    """Return the text of a line with its blanks evened out: what a fingerprint is made of."""
    source = project.source(at.path) if at.path in project.tree else None
    lines = source.lines() if source else []
    return " ".join(lines[at.line - 1].split()) if 0 < at.line <= len(lines) else ""


def _order(each: Reported) -> tuple[int, str, int, int, str]:
    rank = list(Severity).index(each.severity)
    return rank, each.finding.at.path, each.finding.at.line, each.finding.at.column, each.rule
