"""A rehearsal's progress in the terminal: from events and counters alone, live or as plain lines."""

from __future__ import annotations

import io
import re
from typing import Any

from gunwale.deploy.events import Event, Phase
from gunwale.measure.load_clients import Progress as Counters
from gunwale.measure.report.terminal import Progress, State


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def event(name: str, phase: Phase, task: str | None = None, **details: Any) -> Event:
    return Event(at=0.0, time="", roll=1, phase=phase, event=name, task=task, details=details)


ROLL = (
    event("roll-started", Phase.START, release="v2", old=["v1.1"]),
    event("task-started", Phase.START, "v2.1"),
    event("task-ready", Phase.READY, "v2.1"),
    event("task-shifted", Phase.SHIFT, "v2.1"),
    event("target-removed", Phase.SHIFT, "v1.1"),
    event("signalled", Phase.DRAIN, "v1.1"),
    event("task-stopped", Phase.STOP, "v1.1"),
)
FAILED = event("roll-failed", Phase.STEADY, "v3.1", release="v3", reason="is not ready after 5 s")


def counters() -> Counters:
    return Counters(at=0.0, sent=1234, finished=1230, failed=2, lag_p99=0.0004)


def told(file: io.StringIO, *events: Event) -> str:
    with Progress("the shop", file=file) as shown:
        shown.say("roll-out 1 of 1")
        shown.follow(counters)
        for each in events:
            shown.hear(each)
        shown.follow(None)
    return file.getvalue()


def test_state_follows_the_events() -> None:
    state = State()
    for each in ROLL:
        state.hear(each)

    assert state.phase is Phase.STOP
    assert state.passed == [Phase.START, Phase.READY, Phase.SHIFT, Phase.DRAIN]
    assert state.tasks == {"v2.1": "serves", "v1.1": "gone"}


def test_the_next_batch_goes_through_the_phases_again() -> None:
    state = State()
    for each in (*ROLL, event("task-started", Phase.START, "v2.2")):
        state.hear(each)

    assert (state.phase, state.passed) == (Phase.START, [])


def test_another_run_begins_with_no_tasks() -> None:
    state = State()
    for each in (*ROLL, event("roll-started", Phase.START, release="v1", old=[])):
        state.hear(each)

    assert state.tasks == {}


def test_of_many_gone_tasks_only_the_last_are_named() -> None:
    state = State()
    for number in range(20):
        state.hear(event("task-stopped", Phase.STOP, f"v{number}.1"))
    state.hear(event("task-shifted", Phase.SHIFT, "v20.1"))

    assert set(state.shown()) == {"v16.1", "v17.1", "v18.1", "v19.1", "v20.1"}


def test_piped_it_is_a_line_for_each_event_and_counts_for_each_phase() -> None:
    said = told(io.StringIO(), *ROLL, FAILED)

    assert "\x1b" not in said
    lines = [re.sub(r"^ *-?[\d.]+ s ", "", line).split() for line in said.splitlines()]
    assert ["roll-out", "1", "of", "1"] in lines
    assert ["start", "task-started", "v2.1"] in lines
    assert ["stop", "task-stopped", "v1.1"] in lines
    assert "roll-failed v3.1: is not ready after 5 s" in said
    assert "shift   so far 1,234 requests, 2 failed, 4 in flight" in said


def test_on_a_terminal_it_shows_phases_counts_and_tasks() -> None:
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told(Terminal(), *ROLL))

    assert "the shop" in said
    assert "✓ start   ✓ ready   ✓ shift   ✓ drain   ● stop" in said
    assert "1,234 requests" in said
    assert "2 failed" in said
    assert re.search(r"v1\.1 gone +v2\.1 serves", said)


def test_the_load_is_not_asked_any_more_once_it_is_told_to_stop() -> None:
    asked = []

    def look() -> Counters:
        asked.append(1)
        return counters()

    with Progress("the shop", file=Terminal()) as shown:
        shown.follow(look)
        shown.follow(None)
        before = len(asked)
        for each in ROLL:
            shown.hear(each)

    assert len(asked) == before
