"""Fixes put into the files, or shown as a diff: mechanical ones, each of a single file."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from gunwale.check.finding import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.check.run import Report
    from gunwale.project.facts import Place
    from gunwale.project.model import Project


def fixes(report: Report) -> dict[str, list[Fix]]:
    """Return the fixes by file, from the last line up; of two that overlap only the first."""
    found: dict[str, list[Fix]] = {}
    for each in report.findings:
        if each.finding.fix is not None:
            found.setdefault(each.finding.fix.path, []).append(each.finding.fix)
    return {path: _apart(sorted(several, key=lambda fix: fix.first)) for path, several in found.items()}


def _apart(several: list[Fix]) -> list[Fix]:
    kept: list[Fix] = []
    for fix in several:
        if not kept or fix.first > max(kept[-1].last, kept[-1].first):
            kept.append(fix)
    return kept[::-1]


def mended(text: str, several: list[Fix]) -> str:
    """Return *text* with the fixes of its file put in, the last one first; its line ends stay as they are."""
    lines = text.split("\n")
    end = "\r" if lines[0].endswith("\r") else ""
    for fix in several:
        new = [f"{line}{end}" for line in fix.text.split("\n")]
        lines[fix.first - 1 : max(fix.last, fix.first - 1)] = new
    return "\n".join(lines)


def on_line(project: Project, at: Place, old: str, new: str) -> Fix | None:
    """Return the fix that puts *new* for *old* on the line of *at*; None unless it stands there just once."""
    source = project.source(at.path)
    line = source.lines()[at.line - 1].rstrip("\r") if source else ""
    return Fix(at.path, at.line, at.line, line.replace(old, new)) if line.count(old) == 1 else None


def diff(report: Report) -> str:
    """Return what --fix would change, as a unified diff."""
    return "".join(
        line
        for path, before, after in _changes(report)
        for line in difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"a/{path}",
            f"b/{path}",
        )
    )


def apply(report: Report) -> int:
    """Write the fixes into the files, and return how many."""
    found = fixes(report)
    for path, _, after in _changes(report):
        with (report.project.tree.root / path).open("w", encoding="utf-8", newline="") as file:
            file.write(after)
    return sum(len(several) for several in found.values())


def _changes(report: Report) -> Iterator[tuple[str, str, str]]:
    """Yield each file that a fix changes, with its text before and after."""
    for path, several in sorted(fixes(report).items()):
        with (report.project.tree.root / path).open(encoding="utf-8", newline="") as file:
            before = file.read()
        after = mended(before, several)
        if after != before:
            yield path, before, after
