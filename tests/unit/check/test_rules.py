"""Every rule's page is its test: the examples are flagged where they say, what to use instead is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gunwale.check import rule as rules
from gunwale.check.finding import Severity
from gunwale.check.run import CRASHED, findings_of
from gunwale.project.model import Project

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.check.rule import Example, Rule

RULES = rules.discover()
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.name}: {example.title}")
    for rule in RULES.values()
    for example in rule.examples()
]


def _write(root: Path, example: Example) -> None:
    for name, text in example.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_an_example_is_flagged_where_its_page_says_and_nowhere_else(
    rule: Rule, example: Example, tmp_path: Path
) -> None:
    _write(tmp_path, example)
    found = findings_of(rule, Project(tmp_path))

    assert [each.finding.message for each in found if each.rule == CRASHED] == []
    assert sorted((each.finding.at.path, each.finding.at.line) for each in found) == sorted(example.flagged)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_has_a_page_with_an_example_and_what_to_use_instead(rule: Rule) -> None:
    examples = rule.examples()

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.summary.endswith(".")
    assert all(example.files for example in examples)
    assert any(example.flagged for example in examples)
    assert any(not example.flagged for example in examples)
    assert rule.page.count("\n## Example") == sum(bool(example.flagged) for example in examples)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_message_is_one_short_line_and_says_what_to_do(
    rule: Rule, example: Example, tmp_path: Path
) -> None:
    _write(tmp_path, example)
    for each in findings_of(rule, Project(tmp_path)):
        finding = each.finding

        assert "\n" not in finding.message
        assert len(finding.message) <= 100
        assert not finding.message.endswith(".")
        assert finding.hint
        assert each.severity in Severity
