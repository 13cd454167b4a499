"""The wrapper's surroundings: a scoreboard, and a file in place of standard output."""

from __future__ import annotations

import _thread
import os
from typing import TYPE_CHECKING

import pytest

from gateway import Log
from gunwale.runtime.access_log import Writer
from gunwale.runtime.checks import Checks
from gunwale.runtime.scoreboard import Scoreboard
from live import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gunwale.runtime.scoreboard import Slot


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Log]:
    fd = os.open(tmp_path / "stdout", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    monkeypatch.setattr("gunwale.runtime.access_log.Writer", lambda: Writer(fd))
    yield Log(fd)
    os.close(fd)


@pytest.fixture(autouse=True)
def no_check_outlives_its_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    started: list[Checks] = []
    start = Checks.start

    def noted(self: Checks, **more: bool) -> None:
        started.append(self)
        start(self, **more)

    monkeypatch.setattr(Checks, "start", noted)
    before = _thread._count()  # the threading module does not know the native ones
    yield
    for checks in started:
        checks.stop()
    if started:  # one that runs on speaks into the next test's stderr
        wait_until(lambda: _thread._count() <= before, 10, "the end of the checks' threads")


@pytest.fixture
def board() -> Scoreboard:
    return Scoreboard.create(slots=2, entries=8)


@pytest.fixture
def slot(board: Scoreboard) -> Slot:
    return board.claim(1)


@pytest.fixture
def second_slot(board: Scoreboard) -> Iterator[Slot]:
    """The slot of a worker beside the holder of slot 0, which is another process."""
    reading, writing = os.pipe()
    told, tell = os.pipe()
    if (holder := os.fork()) == 0:
        os.close(writing)
        board.claim(1)
        os.write(tell, b".")
        os.read(reading, 1)  # until the test is over
        os._exit(0)
    os.read(told, 1)
    slot = board.claim(1)
    assert slot.index == 1
    yield slot
    for fd in (reading, writing, told, tell):
        os.close(fd)
    os.waitpid(holder, 0)
