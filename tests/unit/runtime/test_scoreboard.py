"""What is owed without being a request: noted while it lasts, and never counted."""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING

import pytest

from gunwale.runtime.scoreboard import Scoreboard

if TYPE_CHECKING:
    from gunwale.runtime.scoreboard import Slot


@pytest.fixture
def slot() -> Slot:
    return Scoreboard.create(slots=1, entries=2).claim(1)


def test_what_is_released_was_busy_and_is_not_counted(slot: Slot) -> None:
    board = slot.scoreboard
    entry = slot.begin("the-response", monotonic_ns())

    assert board.busy(1) == 1
    assert [running.request_id for running in board.running(1)] == ["the-response"]
    slot.release(entry)
    assert board.busy(1) == 0
    assert board.totals().requests == 0


def test_past_the_table_it_is_noted_without_a_name(slot: Slot) -> None:
    board = slot.scoreboard
    entries = [slot.begin("", monotonic_ns()) for _ in range(5)]

    assert board.busy(1) == 5
    for entry in entries:
        slot.release(entry)
    assert board.busy(1) == 0
    slot.end(slot.begin("a-request", monotonic_ns()), 200, 1_000_000)
    assert board.totals().requests == 1


def test_a_status_that_is_none_counts_as_the_application_s_fault(slot: Slot) -> None:
    for status in (204, 999, 0, -1):
        slot.end(slot.begin("a-request", monotonic_ns()), status, 1_000_000)
    totals = slot.scoreboard.totals()

    assert totals.by_class == (0, 1, 0, 0, 3)
    assert totals.requests == sum(totals.histogram) == 4


def test_an_id_is_kept_to_its_first_bytes_and_leaves_nothing_of_the_one_before(slot: Slot) -> None:
    slot.end(slot.begin("x" * 200, monotonic_ns()), 200, 1_000_000)
    slot.begin("short", monotonic_ns())
    slot.begin("y" * 200, monotonic_ns())

    assert [running.request_id for running in slot.scoreboard.running(1)] == ["short", "y" * 56]
