"""--format github: workflow commands, which GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Severity

if TYPE_CHECKING:
    from gunwale.check.run import Report, Reported

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(report: Report) -> str:
    """Return one command a finding."""
    return "\n".join(_command(each) for each in report.findings)


def _command(each: Reported) -> str:
    found = each.finding
    where = f"file={_property(found.at.path)},line={found.at.line},col={found.at.column},title={each.rule}"
    because = [f"{label.at}: {label.message}" for label in found.because]
    text = "\n".join([found.message, *because, *([f"hint: {found.hint}"] if found.hint else [])])
    return f"::{_LEVELS[each.severity]} {where}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
