"""The value that a rehearsal ends in: its verdict, its tables, its JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gunwale.measure.load_report import Outcome
from gunwale.measure.rehearse.outcome import Posts, Rehearsal, Roll, Row, TaskLife

PUBLISHED = {
    "verdict",
    "requests",
    "failed",
    "by_phase",
    "failures",
    "posts",
    "latency_ms",
    "load_lag_ms",
    "events",
}


def row(intended: float, phase: str = "steady", **changes: object) -> Row:
    values: dict[str, object] = {
        "intended": intended,
        "finished": intended + 0.25,
        "status": 200,
        "outcome": Outcome.OK,
        "task": "v1.1",
        "phase": phase,
        "kind": "fresh",
        "method": "GET",
        "path": "/",
        "request_id": f"id-{intended:g}",
    }
    return Row(**{**values, **changes})  # type: ignore[arg-type]


REFUSED = row(2.0, "stop", status=None, outcome=Outcome.REFUSED, task="", error="ECONNREFUSED")
WHOLE = Rehearsal(
    title="shop",
    platform="host",
    front="caddy",
    server="gunicorn sync",
    versions={"gunicorn": "27.0.1"},
    rate=60.0,
    started="2026-11-28T12:00:00Z",
    factor=1.0,
    rows=(row(0.0), row(1.0, "start"), row(3.0)),
    tasks=(TaskLife(name="v1.1", release="v1", started=-1.0, ready=-0.5, stopped=2.5),),
    events=({"at": 0.5, "event": "roll-started", "phase": "start", "task": None},),
    posts=Posts(accepted=2, stored=2, lost=0, doubled=0),
    rolls=(Roll(number=1, succeeded=True, seconds=2.0),),
    lag_p99=0.0012,
)


def test_nothing_failed_and_every_roll_came_through_is_zero_loss() -> None:
    assert (WHOLE.verdict, WHOLE.exit_code) == ("zero-loss", 0)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"rows": (*WHOLE.rows, REFUSED)}, "lost"),
        ({"rows": ()}, "lost"),  # nothing was asked: nothing is proven
        ({"posts": Posts(accepted=2, stored=1, lost=1, doubled=0)}, "lost"),
        ({"posts": Posts(accepted=2, stored=2, lost=0, doubled=1)}, "lost"),
        ({"posts": Posts(accepted=2)}, "zero-loss"),  # not audited, and the text says so
        ({"rolls": (Roll(number=1, succeeded=False, seconds=2.0),)}, "zero-loss"),
        ({"rolls": ()}, "zero-loss"),
    ],
)
def test_what_is_not_proven_is_no_success(changes: dict[str, object], verdict: str) -> None:
    found = replace(WHOLE, **changes)  # type: ignore[arg-type]

    assert found.verdict == verdict
    assert found.exit_code == (0 if verdict == "zero-loss" and found.has_rolled else 1)


SHIFTED = ({"at": 0.7, "event": "task-shifted", "phase": "shift", "task": "v2.1"},)
NEW = (*WHOLE.tasks, TaskLife(name="v2.1", release="v2", started=0.5, ready=0.6))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"doubts": ("the load was the bottleneck",)}, "the load was the bottleneck"),
        ({"rows": ()}, "nothing was asked"),
        # Caddy answers 200 by itself where it has no handler.
        ({"rows": (*WHOLE.rows, row(4.0, task="", path="/x"))}, "1 answers came from no task"),
        ({"tasks": NEW, "events": SHIFTED}, "v2 was given traffic, and no request was answered by it"),
        ({"tasks": NEW, "events": SHIFTED, "rows": (*WHOLE.rows, replace(REFUSED, task="v2.1"))}, "v2 was"),
        ({"posts": Posts(accepted=0, stored=0, lost=0, doubled=0)}, "no POST was accepted"),
    ],
)
def test_what_was_never_put_to_the_test_is_not_zero_loss(changes: dict[str, object], reason: str) -> None:
    found = replace(WHOLE, **changes)  # type: ignore[arg-type]

    assert [reason in told for told in found.unproven] == [True]
    assert (found.verdict, found.exit_code) == ("lost", 1)
    assert found.as_json()["doubts"] == list(found.unproven)
    assert Rehearsal.from_json(found.to_json()).unproven == found.unproven


def test_release_that_answered_and_one_taken_back_leave_no_doubt() -> None:
    asked = replace(WHOLE, tasks=NEW, events=SHIFTED, rows=(*WHOLE.rows, row(4.0, task="v2.1")))
    back = replace(WHOLE, tasks=NEW, events=SHIFTED, rolls=(Roll(number=1, succeeded=False, seconds=2.0),))

    assert (asked.unproven, asked.verdict) == ((), "zero-loss")
    assert (back.unproven, back.verdict, back.exit_code) == ((), "zero-loss", 1)


def test_each_phase_has_its_requests_and_its_failures_in_the_order_of_the_roll() -> None:
    found = replace(WHOLE, rows=(row(3.0), row(1.0, "start"), REFUSED, row(0.0)))

    assert found.by_phase() == {
        "steady": {"requests": 2, "failed": 0},
        "start": {"requests": 1, "failed": 0},
        "stop": {"requests": 1, "failed": 1},
    }
    assert list(found.by_phase()) == ["steady", "start", "stop"]


def test_json_has_what_is_published_and_nothing_else() -> None:
    found = replace(WHOLE, rows=(*WHOLE.rows, REFUSED)).as_json()

    assert set(found) == PUBLISHED
    assert found["failures"] == [
        {
            "at": 2.25,
            "phase": "stop",
            "task": "",
            "method": "GET",
            "path": "/",
            "request_id": "id-2",
            "error": "refused: ECONNREFUSED",
        }
    ]
    assert found["latency_ms"] == {"p50": 250.0, "p99": 250.0, "max": 250.0}
    assert found["load_lag_ms"] == {"p99": 1.2}
    assert json.loads(json.dumps(found)) == found


def test_the_naive_way_is_in_the_json_beside_it_when_it_ran() -> None:
    naive = replace(WHOLE, rows=(REFUSED,))

    found = replace(WHOLE, against=naive).as_json()

    assert set(found) == {*PUBLISHED, "against"}
    assert (found["verdict"], found["against"]["verdict"]) == ("zero-loss", "lost")


def test_a_rehearsal_that_was_kept_is_read_back_the_same() -> None:
    found = replace(WHOLE, rows=(*WHOLE.rows, REFUSED), against=WHOLE, notes=("a note",))

    assert Rehearsal.from_json(found.to_json()) == found
