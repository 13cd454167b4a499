"""What the watch sees of a request, and what others make of it."""

from __future__ import annotations

import os
import socket
import threading
from time import monotonic_ns
from typing import Any

import pytest

from gunwale.runtime import scoreboard_watch
from gunwale.runtime.deadline import Stuck, Watch, cut, moved
from gunwale.runtime.scoreboard import Scoreboard
from gunwale.runtime.settings import Settings
from gunwale.runtime.wsgi import wrap
from live import wait_until

GENERATION = 1


@pytest.fixture
def board() -> Scoreboard:
    # Never closed: a process loses its record locks with any descriptor of the file.
    return Scoreboard.create(slots=2, entries=4)


class Recorded:
    """A server's half that only notes what it is asked."""

    def __init__(self) -> None:
        self.given_up: list[str] = []
        self.retired: list[int] = []

    def connection(self, environ: dict[str, Any]) -> Any:
        return environ.get("connection")

    def is_held_up(self) -> bool:
        return False

    def give_up(self, stuck: Stuck) -> None:
        self.given_up.append(stuck.exchange.request_id)

    def retire(self, stuck: int) -> None:
        self.retired.append(stuck)

    def turn(self, running: int, stuck: int) -> bool:  # noqa: ARG002 - one protocol
        return False


def environ(**more: object) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "127.0.0.1", **more}


class Held:
    """A request that stays inside the application, in a thread of its own."""

    def __init__(self, slot: Any, **more: object) -> None:
        self.leave = threading.Event()
        self._wrapped = wrap(self._application, Settings(), slot)
        self._thread = threading.Thread(target=self._serve, args=(environ(**more),))
        self._thread.start()
        wait_until(lambda: slot.count() == 1, 5, "the request runs")

    def _serve(self, environ: dict[str, Any]) -> None:
        body: Any = self._wrapped(environ, lambda *_: print)
        list(body)
        body.close()

    def _application(self, _environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.leave.wait(10)
        start_response("200 OK", [])
        return [b""]

    def end(self) -> None:
        self.leave.set()
        self._thread.join(5)


def test_a_request_that_does_not_move_is_given_up_once_and_then_the_worker_retires(
    board: Scoreboard, capfd: pytest.CaptureFixture[str]
) -> None:
    slot, server = board.claim(GENERATION), Recorded()
    watch = Watch(slot, 0.0, server)
    held = Held(slot)
    watch.look()

    assert len(server.given_up) == 1
    assert server.retired == []
    assert "self.leave.wait(10)" in capfd.readouterr().err
    watch.look()
    watch.look()
    assert len(server.given_up) == 1
    assert server.retired == [1]
    assert scoreboard_watch.retiring(board, GENERATION) == {os.getpid()}
    assert scoreboard_watch.stuck(board, GENERATION) == 1
    held.end()
    watch.look()
    assert scoreboard_watch.stuck(board, GENERATION) == 0


def test_a_request_whose_connection_moves_is_not_given_up(board: Scoreboard) -> None:
    slot, server = board.claim(GENERATION), Recorded()
    watch = Watch(slot, 0.3, server)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        held = Held(slot, connection=ours)
        until = monotonic_ns() + 600_000_000
        while monotonic_ns() < until:
            ours.send(b"x")
            watch.look()
            theirs.recv(1)
            watch.look()
        held.end()

    assert server.given_up == []


def test_movement_is_what_the_peer_took_and_what_was_read_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours, theirs:
        before = moved(ours.fileno())
        theirs.send(b"unread")
        wait_until(lambda: ours.recv(6, socket.MSG_PEEK) == b"unread", 5, "it has come")

        assert moved(ours.fileno()) == before
        ours.recv(6)
        assert moved(ours.fileno()) == (before[0], before[1] + 6)
        ours.send(b"answer")
        wait_until(lambda: moved(ours.fileno())[0] == before[0] + 6, 5, "it has been taken")


def test_a_cut_connection_ends_the_wait_and_leaves_the_descriptor_to_its_owner() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        got: list[bytes] = []
        thread = threading.Thread(target=lambda: got.append(ours.recv(1)))
        thread.start()
        cut(ours)
        thread.join(5)

        assert got == [b""]
        assert ours.fileno() >= 0


def test_a_worker_is_frozen_when_nothing_moves_and_its_watch_is_blind(
    board: Scoreboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = board.claim(GENERATION)
    marks = scoreboard_watch.Marks(slot)
    entry = slot.begin("stuck", monotonic_ns())
    marks.looked(0)
    now = monotonic_ns()
    monkeypatch.setattr(scoreboard_watch, "monotonic_ns", lambda: now + 9_000_000_000)
    # All of us may just have been thawed: its watch gets the time for a look.
    assert scoreboard_watch.frozen(board, GENERATION, 5.0) == []
    monkeypatch.setattr(scoreboard_watch, "monotonic_ns", lambda: now + 10_000_000_000)

    (frozen,) = scoreboard_watch.frozen(board, GENERATION, 5.0)
    assert frozen.pid == os.getpid()
    assert frozen.seconds == pytest.approx(10, abs=0.5)
    assert scoreboard_watch.frozen(board, GENERATION, 15.0) == []
    slot.end(entry, 200, 0)
    (idle,) = scoreboard_watch.frozen(board, GENERATION, 5.0)
    assert idle.pid == os.getpid()  # stopped, or a thread of the application's own holds the lock
    marks.looked(0)
    assert scoreboard_watch.frozen(board, GENERATION, 5.0) == []


def test_a_watch_that_looks_is_never_frozen_however_long_a_response_takes(
    board: Scoreboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = board.claim(GENERATION)
    marks = scoreboard_watch.Marks(slot)
    slot.begin("stream", monotonic_ns())
    now = monotonic_ns()
    monkeypatch.setattr(scoreboard_watch, "monotonic_ns", lambda: now + 100_000_000_000)
    marks.looked(now + 99_900_000_000)

    assert scoreboard_watch.frozen(board, GENERATION, 5.0) == []
