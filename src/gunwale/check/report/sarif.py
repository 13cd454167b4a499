"""--format sarif: SARIF 2.1.0 (OASIS standard, 27 March 2020), as GitHub code scanning takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunwale import __version__
from gunwale.check import rule as rules
from gunwale.check.document import url
from gunwale.check.finding import Severity

if TYPE_CHECKING:
    from gunwale.check.run import Report, Reported
    from gunwale.project.facts import Place

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write(report: Report) -> str:
    """Return the report as one SARIF run."""
    known = rules.discover()
    names = sorted({each.rule for each in report.findings})
    run = {
        "tool": {
            "driver": {
                "name": "gunwale",
                "version": __version__,
                "rules": [_rule(name, known[name].summary if name in known else name) for name in names],
            }
        },
        "results": [_result(each, names.index(each.rule)) for each in report.findings],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(name: str, summary: str) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": summary},
        "help": {"text": f"gunwale explain {name}; {url(name)}"},
    }


def _result(each: Reported, index: int) -> dict[str, Any]:
    found = each.finding
    text = f"{found.message}\n{found.hint}" if found.hint else found.message
    return {
        "ruleId": each.rule,
        "ruleIndex": index,
        "level": _LEVELS[each.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(found.at)}],
        "relatedLocations": [
            {"id": number, "physicalLocation": _location(label.at), "message": {"text": label.message}}
            for number, label in enumerate(found.because)
        ],
        "partialFingerprints": {"gunwale/v1": each.fingerprint},
        "properties": {"topic": each.topic.value, "confidence": each.confidence.value},
    }


def _location(at: Place) -> dict[str, Any]:
    from urllib.parse import quote

    return {
        "artifactLocation": {"uri": quote(at.path)},
        "region": {"startLine": at.line, "startColumn": at.column},
    }
