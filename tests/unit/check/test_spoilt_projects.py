"""Every rule on spoilt copies of the pages' examples: it may find anything or nothing, and never crashes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from gunwale.check import rule
from gunwale.check.run import CRASHED, Choice, audit

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = [example.files for each in rule.discover().values() for example in each.examples()]
LETTERS = "{}[]()<>\"'\\$#%&*!|:;=,.- \t\n\r\x00aA0é😀"
SEEDS = range(40)


def _spoilt(text: str, chance: random.Random, others: list[str]) -> str:
    """Cut something out of *text*, and put letters or a piece of another file in."""
    at, length = int(chance.random() * len(text)), chance.choice((0, 1, 3, 10, 40, 120))
    other = chance.choice(others)
    begin = int(chance.random() * len(other))
    pieces = ("", other[begin : begin + 60], "".join(chance.choices(LETTERS, k=6)))
    return text[:at] + chance.choice(pieces) + text[at + length :]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_rule_crashes_on_a_spoilt_project(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    files = chance.choice(EXAMPLES) | chance.choice(EXAMPLES)  # two projects in one
    for name, text in files.items():
        path = tmp_path / name
        if not path.is_dir() and not any(parent.is_file() for parent in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_spoilt(text, chance, list(files.values())))
    report = audit(tmp_path, Choice(is_strict=True))

    assert [each.finding.message for each in report.findings if each.rule == CRASHED] == []
    assert [each.why for each in report.not_checked if "the reader failed" in each.why] == []
