"""--format text: the start path first, then each finding with its lines, as a compiler shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Severity, Topic
from gunwale.check.mask import mask
from gunwale.project.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.check.run import Report, Reported
    from gunwale.project.facts import Place
    from gunwale.project.start import Start

_WIDTH = 100  # columns of a source line that are shown; a minified one would fill the terminal


def write(report: Report) -> str:
    """Return the report for people."""
    lines = [*_starts(report), ""]
    for each in report.findings:
        lines += [*_finding(report, each), ""]
    if report.not_checked:
        lines.append("not checked:")
        lines += [f"  {each.topic}: {each.why}" for each in report.not_checked]
        lines.append("")
    lines.append(_summary(report))
    return "\n".join(lines)


def _starts(report: Report) -> Iterator[str]:
    shown = [each for each in report.starts if each.server or isinstance(each.outcome, Unknown)]
    if not shown:
        yield "start path: none found: no file of the project starts a server"
    for each in shown:
        yield f"start path: {each.launch.title}"
        for step in each.steps:
            yield f"  {step.at}: {_cut(mask(step.text, is_code=False))}"
        yield f"  → {_end(each)}"


def _end(start: Start) -> str:
    server = start.server
    if server is None:
        return f"cannot tell: {start.outcome.why}" if isinstance(start.outcome, Unknown) else ""
    above = ", ".join(each.text for each in start.ancestors)
    under = f", under {above}" if above else ""
    return f"{server.name} {server.application}".rstrip() + under


def _finding(report: Report, each: Reported) -> Iterator[str]:
    found = each.finding
    yield f"{each.severity}[{each.rule}]: {found.message}"
    places = [(found.at, ""), *((label.at, label.message) for label in found.because)]
    is_secret = each.topic is Topic.SECRETS
    gutter = max(len(str(at.line)) for at, _ in places)
    for number, (at, message) in enumerate(places):
        yield f"{' ' * gutter}{'-->' if number == 0 else ':::'} {at.path}:{at.line}:{at.column}"
        yield from _excerpt(report, at, message, gutter, is_secret=is_secret)
    if found.hint:
        yield f"{' ' * gutter} = hint: {found.hint}"
    yield f"{' ' * gutter} = {each.topic}, {each.confidence}; gunwale explain {each.rule}"


def _excerpt(report: Report, at: Place, message: str, gutter: int, *, is_secret: bool) -> Iterator[str]:
    source = report.project.source(at.path) if at.path in report.project.tree else None
    lines = source.lines() if source else []
    label = f"because here: {message}" if message else "here"
    if 0 < at.line <= len(lines):
        shown = mask(lines[at.line - 1], is_code=at.path.endswith(".py"), is_secret=is_secret)
        yield f"{at.line:>{gutter}} | {_cut(shown)}"
        mark = " " * min(at.column - 1, _WIDTH)
        yield f"{' ' * gutter} | {mark}^ {label if message else ''}".rstrip()
    elif message:
        yield f"{' ' * gutter} | {label}"


def _cut(text: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in text)
    return printable if len(printable) <= _WIDTH else f"{printable[: _WIDTH - 1]}…"


def _summary(report: Report) -> str:
    counts = {s: sum(each.severity is s for each in report.findings) for s in Severity}
    said = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count)
    extra = []
    if report.hidden:
        extra.append(f"{report.hidden} more with --strict")
    if report.known:
        extra.append(f"{report.known} known by the baseline")
    return "; ".join([said or "nothing found", *extra])
