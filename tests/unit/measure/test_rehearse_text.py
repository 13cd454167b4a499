"""A rehearsal in words: the verdict says what was proven, and why the rest was not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gunwale.measure.load_report import Outcome
from gunwale.measure.rehearse import text
from gunwale.measure.rehearse.outcome import Posts, Rehearsal, Roll
from rehearsals import rehearsal

ROLLED_BACK = Roll(
    number=1, succeeded=False, seconds=7.0, task="v2.1", reason="exited with 3", log_tail="its last line"
)


@pytest.fixture
def well() -> Rehearsal:
    """A rehearsal in which nothing failed."""
    found = rehearsal()
    return replace(
        found,
        rows=tuple(row for row in found.rows if not row.is_failed),
        posts=Posts(accepted=5, stored=5, lost=0, doubled=0),
        rolls=tuple(replace(roll, succeeded=True, reason="", task="", log_tail="") for roll in found.rolls),
        doubts=(),
        against=None,
    )


def test_nothing_lost_is_said_with_its_counts(well: Rehearsal) -> None:
    said = text.verdict(well)

    assert said.startswith(f"ZERO LOSS: 0 of {len(well.rows)} requests failed")
    assert "of 5 POSTs accepted 0 lost, 0 doubled" in said


def test_a_roll_out_that_was_taken_back_is_no_zero_loss(well: Rehearsal) -> None:
    lines = list(text.lines(replace(well, rolls=(ROLLED_BACK,))))

    assert lines[-1].startswith("NOT ROLLED OUT: the old version serves on; 0 of")
    assert "roll-out 1: 7.0 s, rolled back: v2.1 exited with 3" in lines
    assert "  | its last line" in lines


def test_an_old_version_that_is_not_all_back_is_not_said_to_serve_on(well: Rehearsal) -> None:
    said = text.verdict(replace(well, rolls=(replace(ROLLED_BACK, is_whole=False),)))

    assert said.startswith("NOT ROLLED OUT: and NOT ALL of the old version is back")


def test_what_proves_nothing_is_said_to(well: Rehearsal) -> None:
    said = text.verdict(replace(well, doubts=("it used 99% of a core",)))

    assert said.startswith("NOT PROVEN: it used 99% of a core; 0 of")


def test_posts_that_nobody_looked_at_are_not_claimed(well: Rehearsal) -> None:
    said = text.verdict(replace(well, posts=Posts(accepted=5)))

    assert "5 POSTs accepted, whether they were stored was not looked at" in said


def test_each_failed_request_has_a_line_until_there_are_many(well: Rehearsal) -> None:
    failed = replace(well.rows[0], outcome=Outcome.RESET, status=None, error="ECONNRESET", request_id="r-1")
    lines = list(text.lines(replace(well, rows=(*well.rows, *([failed] * 12)))))

    assert lines[-1].startswith("LOST: 12 of")
    assert sum("reset ECONNRESET id=r-1" in line for line in lines) == 10
    assert "… and 2 more: --format json has them all" in lines
