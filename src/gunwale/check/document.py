"""A report as plain values, for every machine's format; paths are from the project's root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunwale.check.mask import mask
from gunwale.project.facts import Unknown

if TYPE_CHECKING:
    from gunwale.check.run import Report, Reported
    from gunwale.project.start import Start


def document(report: Report) -> dict[str, Any]:
    """Return the report as the fields `gunwale check --format json` promises."""
    return {
        "start_path": [start_path(each) for each in report.starts],
        "findings": [finding(each) for each in report.findings],
        "not_checked": [{"topic": each.topic, "why": each.why} for each in report.not_checked],
    }


def start_path(start: Start) -> dict[str, Any]:
    """Return one start as its steps and its end."""
    server = start.server
    return {
        "title": start.launch.title,
        "steps": [
            {"path": each.at.path, "line": each.at.line, "text": mask(each.text, is_code=False)}
            for each in start.steps
        ],
        "server": server.name if server else None,
        "application": server.application if server else None,
        "unknown": start.outcome.why if isinstance(start.outcome, Unknown) else None,
    }


def finding(each: Reported) -> dict[str, Any]:
    """Return one finding."""
    found = each.finding
    return {
        "rule": each.rule,
        "topic": each.topic.value,
        "severity": each.severity.value,
        "confidence": each.confidence.value,
        "message": found.message,
        "hint": found.hint,
        "path": found.at.path,
        "line": found.at.line,
        "column": found.at.column,
        "related": [{"path": b.at.path, "line": b.at.line, "message": b.message} for b in found.because],
        "fixable": found.fix is not None,
        "fingerprint": each.fingerprint,
        "url": url(each.rule),
    }


def url(rule: str) -> str:
    """Return where the rule's page is."""
    return f"docs/rules/{rule}.md"
