"""Comments that silence a rule at a line, in each file's own syntax: ``gunwale: ignore[rule] reason``.

On a line of its own it means the next line that is no comment; else its own line. The reason is required.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place, Source
    from gunwale.project.model import Project

_COMMENT = re.compile(r"(#|//|;|--|<!--|/\*)\s*gunwale:\s*ignore\[([^\]\n]*)\](.*)")
_ENDS = re.compile(r"(?:-->|\*/)\s*$")


@dataclass(slots=True)
class _Suppression:
    rule: str
    at: Place
    line: int
    is_used: bool = False


@dataclass(slots=True)
class Suppressions:
    """The suppressions of a project; *taken* ones have silenced a finding."""

    found: list[_Suppression] = field(default_factory=list)
    without_reason: list[_Suppression] = field(default_factory=list)

    @classmethod
    def of(cls, project: Project) -> Suppressions:
        """Read the comments of every file that was read."""
        suppressions = cls()
        for source in project.sources:
            if "gunwale:" in source.text:
                suppressions._read(source)
        return suppressions

    def _read(self, source: Source) -> None:
        lines = source.lines()
        for number, line in enumerate(lines, 1):
            match = _COMMENT.search(line)
            if match is None:
                continue
            meant = number
            if not line[: match.start()].strip():
                meant = next(
                    (
                        n
                        for n, text in enumerate(lines[number:], number + 1)
                        if not _is_comment(text, match[1])
                    ),
                    number,
                )
            reason = _ENDS.sub("", match[3]).strip()
            for name in match[2].split(","):
                each = _Suppression(name.strip(), source.at(number, match.start() + 1), meant)
                (self.found if reason else self.without_reason).append(each)

    def take(self, rule: str, at: Place) -> bool:
        """Whether a comment silences *rule* there."""
        taken = [
            each for each in self.found if (each.rule, each.at.path, each.line) == (rule, at.path, at.line)
        ]
        for each in taken:
            each.is_used = True
        return bool(taken)

    def faults(self, run: set[str]) -> Iterator[tuple[str, Topic, Severity, Confidence, Finding]]:
        """Yield a finding for each comment without a reason, and each that silences none of *run*."""
        for each in self.without_reason:
            message = f"ignore[{each.rule}] gives no reason, and silences nothing"
            finding = Finding(at=each.at, message=message, hint="write the reason after the bracket")
            yield "suppression-without-reason", Topic.START, Severity.WARNING, Confidence.CERTAIN, finding
        for each in self.found:
            if not each.is_used and each.rule in run:
                message = f"ignore[{each.rule}] silences nothing"
                finding = Finding(at=each.at, message=message, hint="delete the comment")
                yield "suppression-unused", Topic.START, Severity.WARNING, Confidence.CERTAIN, finding


def _is_comment(text: str, mark: str) -> bool:
    return not text.strip() or text.lstrip().startswith(mark)
