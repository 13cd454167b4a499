"""The event log: one line an event, whole or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gunwale.deploy.clock import RealClock, SimulatedClock
from gunwale.deploy.events import Event, EventLog, Phase, read

if TYPE_CHECKING:
    from pathlib import Path


def test_event_is_one_flat_object_a_line(tmp_path: Path) -> None:
    clock = SimulatedClock(5.0)
    log = EventLog(tmp_path / "deep" / "events.jsonl", clock=clock, roll=3)
    clock.wait(1.5)
    log.tell("task-ready", phase=Phase.READY, task="v3.1", why="it says so")
    log.close()
    found = json.loads((tmp_path / "deep" / "events.jsonl").read_text())
    assert found.pop("time").endswith("Z")
    assert found == {
        "at": 6.5,
        "roll": 3,
        "phase": "ready",
        "event": "task-ready",
        "task": "v3.1",
        "why": "it says so",
    }


def test_listeners_hear_what_is_written_and_reading_gives_it_back(tmp_path: Path) -> None:
    heard: list[Event] = []
    log = EventLog(tmp_path / "events.jsonl", clock=RealClock(), listeners=[heard.append])
    log.tell("roll-started", phase=Phase.START, release="v1", old=["v0.1"])
    log.tell("note", phase=Phase.BACK, task="v1.1")
    log.close()
    assert [event.as_json() for event in read(tmp_path / "events.jsonl")] == [
        event.as_json() for event in heard
    ]


def test_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path, clock=RealClock())
    log.tell("note", phase=Phase.STEADY)
    log.close()
    with path.open("a") as file:
        file.write('{"at": 1.0, "ti')
    assert [event.event for event in read(path)] == ["note"]


def test_no_file_is_no_event(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == []
