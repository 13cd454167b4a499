"""A rehearsal's parts that need no process: clocks, phases, faults, mixes, the audit, the simulation."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy.events import Event, Phase
from gunwale.deploy.task import Task
from gunwale.measure.load import Ask
from gunwale.measure.load_mix import Mix
from gunwale.measure.load_report import Kind, Outcome, Record
from gunwale.measure.posts import Stored
from gunwale.measure.rehearse import audit, clocks, commands, faults, mixes, orders, phases, simulate
from gunwale.plan.load import load
from gunwale.serve.servers import traits

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.measure.rehearse.outcome import Posts
    from gunwale.plan.model import Plan


def planned(folder: Path, *sets: str) -> Plan:
    return load(folder, environ={}, sets=("app=app:app", *sets), servers=traits(), in_container="")


def event(at: float, name: str, phase: Phase, task: str | None = None) -> Event:
    return Event(at=at, time="2026-11-28T12:00:00Z", roll=2, phase=phase, event=name, task=task)


def record(intended: float, **changes: object) -> Record:
    values: dict[str, object] = {
        "id": f"id-{intended:g}",
        "kind": Kind.FRESH,
        "method": "GET",
        "path": "/",
        "intended": intended,
        "finished": intended + 0.1,
        "outcome": Outcome.OK,
        "status": 200,
    }
    return Record(**{**values, **changes})  # type: ignore[arg-type]


# -- clocks


def test_clocks_of_ecs_are_awss_defaults_and_the_plans_where_it_is_for_ecs(tmp_path: Path) -> None:
    default = clocks.of("ecs", planned(tmp_path))
    own = clocks.of("ecs", planned(tmp_path, "rollout.platform=ecs", "rollout.deregistration_delay=20"))

    assert (default.interval, default.healthy, default.deregistration_delay) == (30.0, 5, 300.0)
    assert own.deregistration_delay == 20.0


def test_the_factor_divides_what_is_waited_for_and_no_limit(tmp_path: Path) -> None:
    true = clocks.of("ecs", planned(tmp_path))
    quick = true.divided(10, settling=0.1)

    assert (quick.interval, quick.deregistration_delay) == (3.0, 30.0)
    assert quick.propagation == pytest.approx(0.3)
    assert replace(true, deregistration_delay=0.0).divided(10, settling=0.1).deregistration_delay == 0.0
    assert (quick.healthy, quick.stop_timeout) == (5, true.stop_timeout)
    assert true.divided(1, settling=9.0) == true


@pytest.mark.parametrize("factor", [2, 10, 100])
def test_a_lame_duck_that_is_long_enough_stays_so_when_divided(tmp_path: Path, factor: float) -> None:
    true = clocks.of("kubernetes", planned(tmp_path))
    assert true.lame_duck >= true.needed(1.2)

    quick = true.divided(factor, settling=1.2)

    assert quick.lame_duck >= quick.needed(1.2)


def test_a_lame_duck_that_is_too_short_is_not_made_long_enough(tmp_path: Path) -> None:
    true = clocks.of("kubernetes", planned(tmp_path), propagation=8.0)

    quick = true.divided(10, settling=0.1)

    assert quick.lame_duck == pytest.approx(0.5)
    assert quick.lame_duck < quick.needed(0.1)


def test_serve_drains_within_the_stop_timeout_whatever_the_lame_duck(tmp_path: Path) -> None:
    times = clocks.of("kubernetes", planned(tmp_path, "rollout.stop_timeout=40"))

    assert times.lame_duck + times.drain_timeout + 3 == times.stop_timeout == 40


def test_pre_stop_counts_in_the_stop_timeout_as_kubernetes_counts_it(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    times = clocks.of("kubernetes", plan, pre_stop=10.0)

    words = commands.serve(TASK, "unix:/a", plan, "kubernetes", times, ("rollout.stop_timeout=60",)).argv

    assert [word for word in words if word.startswith("rollout.stop_timeout")] == ["rollout.stop_timeout=50"]
    assert times.drain_timeout == 60 - 10 - times.lame_duck - 3


def test_a_lame_duck_of_the_plan_is_rehearsed_on_one_machine_too(tmp_path: Path) -> None:
    assert clocks.of("host", planned(tmp_path, "serve.lame_duck=2")).lame_duck == 2.0


@pytest.mark.parametrize(
    ("platform", "sets", "surge"),
    [
        ("host", ("rollout.tasks=4",), 1),
        ("ecs", ("rollout.tasks=4",), 4),
        ("ecs", ("rollout.tasks=4", "rollout.max_percent=150"), 2),
        ("kubernetes", ("rollout.tasks=5",), 2),
        ("kubernetes", ("rollout.tasks=5", "rollout.surge=1"), 1),
    ],
)
def test_the_surge_is_the_platforms_where_the_plan_does_not_say(
    tmp_path: Path, platform: str, sets: tuple[str, ...], surge: int
) -> None:
    assert clocks.policy(platform, planned(tmp_path, *sets)).surge == surge


# -- phases

TASK = Task(name="v1.1", release="v1", address="unix:/run/v1.1.sock")
ROLL = [
    event(10.0, "roll-started", Phase.START),
    event(10.0, "task-started", Phase.START, "v2.1"),
    event(12.0, "task-ready", Phase.READY, "v2.1"),
    event(13.0, "signalled", Phase.STOP, "v1.1"),
    event(14.0, "task-stopped", Phase.STOP, "v1.1"),
    event(14.0, "roll-succeeded", Phase.STEADY),
]


def test_the_phase_of_a_request_is_that_of_its_intended_time() -> None:
    moments = [9.9, 10.0, 12.5, 13.2, 14.1]

    found = phases.rows([record(moment) for moment in moments], ROLL, [TASK], began=0.0)

    assert [row.phase for row in found] == ["steady", "start", "ready", "stop", "steady"]


@pytest.mark.parametrize("said", ["v1.1", "unix:/run/v1.1.sock", "/run/v1.1.sock"])
def test_the_task_that_answered_is_named_as_each_front_says_it(said: str) -> None:
    (row,) = phases.rows([record(1.0, task=said)], ROLL, [TASK], began=0.5)

    assert (row.task, row.intended) == ("v1.1", 0.5)


def test_of_tasks_at_one_address_the_one_that_ran_then_is_meant() -> None:
    later = replace(TASK, name="v2.1", release="v2")
    records = [record(moment, task=TASK.address) for moment in (5.0, 13.0)]

    found = phases.rows(records, ROLL, [TASK, later], began=0.0)

    assert [row.task for row in found] == ["v1.1", "v2.1"]


def test_the_life_of_a_task_is_in_the_events() -> None:
    (life,) = phases.lives(ROLL, began=10.0)  # v1.1 was started before anything was told

    assert (life.name, life.release) == ("v2.1", "v2")
    assert (life.started, life.ready, life.stopped) == (0.0, 2.0, None)


# -- the audit


def posts(records: list[Record], folder: Path, command: str) -> Posts:
    given = Stored.parse(f"command:{command}") if command else None
    return audit.posts(records, given, app="app:app", directory=folder, target="http://127.0.0.1:1", env={})


def test_posts_that_were_accepted_are_looked_for_in_what_was_stored(tmp_path: Path) -> None:
    names = [f"0000000a-0000000{number}" for number in range(6)]
    records = [record(number, method="POST", id=names[number]) for number in range(4)]
    records += [record(9, method="POST", id=names[5], outcome=Outcome.RESET, status=None), record(10)]
    (tmp_path / "stored").write_text(
        "\n".join([names[0], names[1], names[1], names[3], names[5], "stranger"])
    )

    found = posts(records, tmp_path, "cat stored")

    # The last was stored though its client was not told so: that loses nothing.
    assert (found.accepted, found.stored, found.lost, found.doubled) == (4, 4, 1, 1)
    assert found.is_harmed


def test_where_nobody_says_what_was_stored_nothing_is_claimed(tmp_path: Path) -> None:
    found = posts([record(1, method="POST")], tmp_path, "")

    assert (found.accepted, found.is_audited, found.is_harmed) == (1, False, False)


def test_the_floor_is_boot_longest_request_and_two_seconds() -> None:
    rows = phases.rows([record(10.5, finished=11.3), record(1.0, finished=9.0)], ROLL, [], began=0.0)

    assert audit.floor(ROLL, rows, 0.0) == pytest.approx(2.0 + 0.8 + 2.0)


# -- commands and faults


def test_the_naive_way_is_the_servers_own_command(tmp_path: Path) -> None:
    plan = planned(tmp_path, "serve.workers=3", "serve.worker_class=gthread", "serve.threads=2")

    words = commands.bare(TASK, plan).argv

    assert words[:3] == (sys.executable, "-m", "gunicorn")
    assert words[-3:] == ("-b", "unix:/run/v1.1.sock", "app:app")
    assert "gunwale" not in words
    assert words[words.index("-w") + 1] == "3"


def test_the_naive_way_has_as_many_workers_as_ours_where_the_plan_leaves_it_open(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert plan.serve.workers == "auto"

    words = commands.bare(TASK, plan).argv

    assert words[words.index("-w") + 1] == str(commands.workers(plan))


def test_serve_gets_the_platforms_clocks_and_the_users_words_last(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    times = clocks.of("kubernetes", plan)

    words = commands.serve(
        TASK, "unix:/a", plan, "kubernetes", times, ("serve.lame_duck=9", "serve.workers=2")
    ).argv

    assert words[words.index("--lame-duck") + 1] == "5"
    assert "rollout.platform=kubernetes" in words
    assert [word for word in words if "=" in word][-1] == "serve.workers=2"
    assert "serve.lame_duck=9" not in words  # it is in the clocks, divided like them
    assert ("--allow-root" in words) is (os.geteuid() == 0)


@pytest.mark.parametrize("kind", [kind for kind in faults.Kind if kind])
def test_a_fault_spares_the_release_that_serves(tmp_path: Path, kind: faults.Kind) -> None:
    plan = planned(tmp_path)
    fault = faults.Fault.of(kind, tmp_path)

    assert fault.change("v1", plan, ()) == (plan, ())
    assert fault.environ("v1", plan) == {}


def test_every_fault_of_the_command_line_is_there() -> None:
    from gunwale.cli.rehearse import FAULTS

    assert set(FAULTS) == {str(kind) for kind in faults.Kind if kind}
    assert set(orders.OURS) == set(orders.NAIVE) == set(clocks.PLATFORMS)


# -- mixes


def test_slow_clients_are_a_tenth_of_the_mix() -> None:
    asks = (Ask(path="/", weight=3, expect=("2xx",)), Ask(path="/b", method="POST"))

    found = mixes.with_slow(Mix(asks=asks, source="here")).asks

    slow = [ask for ask in found if ask.is_paced]
    assert sum(ask.weight for ask in slow) / sum(ask.weight for ask in found) == pytest.approx(0.1, abs=0.03)
    assert {bool(ask.read_pace) for ask in slow} == {True, False}
    assert [ask.weight for ask in found[:2]] == [15, 5]


# -- the simulation


def simulated(plan: Plan, platform: str = "host", **changes: object) -> simulate.Simulation:
    request = simulate.Request(plan=plan, platform=platform, clocks=clocks.of(platform, plan), boot=2.0)
    return simulate.simulate(replace(request, **changes))  # type: ignore[arg-type]


def test_a_thousand_tasks_are_rolled_in_no_time_and_never_fewer_than_the_plan_says(tmp_path: Path) -> None:
    plan = planned(tmp_path, "rollout.tasks=1000", "rollout.surge=250", "serve.workers=2")

    found = simulated(plan)

    assert (found.lowest, found.most, found.rolled_back) == (1000, 1250, 0)
    assert found.connections == 1250 * 2 * 15
    assert found.seconds[0] == pytest.approx(4 * (2.0 + 1.0))


def test_capacity_that_the_plan_gives_up_is_seen(tmp_path: Path) -> None:
    plan = planned(tmp_path, "rollout.tasks=10", "rollout.max_percent=100", "rollout.min_percent=50")

    found = simulated(plan)

    assert (found.lowest, found.most) == (5, 10)


def test_ecs_waits_for_its_checks_and_its_whole_delay(tmp_path: Path) -> None:
    found = simulated(planned(tmp_path, "rollout.tasks=4"), "ecs")

    assert found.seconds[0] == pytest.approx(2.0 + 4 * 30 + 3 + 3 + 300 + 5 + 1)


def test_a_task_that_fails_rolls_back_and_too_few_connections_are_an_answer(tmp_path: Path) -> None:
    plan = planned(tmp_path, "rollout.tasks=4", "serve.workers=2")

    assert simulated(plan, failure_rate=1.0).exit_code == 1
    assert simulated(replace(plan, database=replace(plan.database, max_connections=100))).exit_code == 1
    assert simulated(replace(plan, database=replace(plan.database, max_connections=500))).exit_code == 0


def test_a_seed_gives_the_same_simulation_again(tmp_path: Path) -> None:
    plan = planned(tmp_path, "rollout.tasks=50", "rollout.surge=10")

    assert simulated(plan, spread=0.5, seed=3) == simulated(plan, spread=0.5, seed=3)
    assert simulated(plan, spread=0.5, seed=3) != simulated(plan, spread=0.5, seed=4)
