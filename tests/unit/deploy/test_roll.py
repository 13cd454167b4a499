"""The recipe, on a simulated platform: each step, its failure, and the way back."""

from __future__ import annotations

import pytest

from gunwale.deploy.events import Event, EventLog, Phase
from gunwale.deploy.policy import Policy
from gunwale.deploy.roll import Outcome, roll
from unit.deploy.simulated import Simulated, tasks

ALL_AT_ONCE = Policy(tasks=2, surge=2, min_running=2)
ONE_BY_ONE = Policy(tasks=3, surge=1, min_running=3)


def rolled(platform: Simulated, policy: Policy, release: str = "v2") -> tuple[Outcome, list[Event]]:
    told: list[Event] = []
    events = EventLog(None, clock=platform.clock, listeners=[told.append])
    return roll(platform, release, policy, events), told


def test_first_tasks_of_all_start_at_once() -> None:
    platform = Simulated()
    outcome, _ = rolled(platform, ONE_BY_ONE, "v1")
    assert outcome == Outcome(succeeded=True, release="v1")
    assert platform.said == [
        "start v1.1 v1.2 v1.3",
        "ready v1.1 v1.2 v1.3",
        "shift v1.1 v1.2 v1.3",
        "look v1.1 v1.2 v1.3",
    ]


def test_full_surge_replaces_all_in_one_batch() -> None:
    platform = Simulated(tasks("v1", [1, 2]))
    outcome, told = rolled(platform, ALL_AT_ONCE)
    assert outcome.succeeded
    assert platform.said == [
        "start v2.1 v2.2",
        "ready v2.1 v2.2",
        "shift v2.1 v2.2 v1.1 v1.2",
        "look v2.1 v2.2",
        "retire v1.1 v1.2",
    ]
    assert [(each.event, each.phase) for each in told] == [
        ("roll-started", Phase.START),
        ("step", Phase.START),
        ("step", Phase.READY),
        ("step", Phase.SHIFT),
        ("step", Phase.DRAIN),
        ("roll-succeeded", Phase.STEADY),
    ]
    assert {each.roll for each in told} == {1}


def test_surge_of_one_replaces_one_by_one_and_gives_up_no_capacity() -> None:
    platform = Simulated(tasks("v1", [1, 2, 3]))
    outcome, _ = rolled(platform, ONE_BY_ONE)
    assert outcome.succeeded
    assert platform.names() == ["v2.1", "v2.2", "v2.3"]
    assert (platform.least_serving, platform.most_alive) == (3, 4)
    assert [each for each in platform.said if each.startswith("retire")] == [
        "retire v1.1",
        "retire v1.2",
        "retire v1.3",
    ]


@pytest.mark.parametrize(
    ("policy", "least", "most"),
    [
        (Policy(tasks=4, surge=0, min_running=2), 2, 4),
        (Policy(tasks=4, surge=1, min_running=3), 3, 5),
        (Policy(tasks=4, surge=4, min_running=2), 4, 8),
        (Policy(tasks=5, surge=2, min_running=5), 5, 7),
        (Policy(tasks=1, surge=0, min_running=0), 0, 1),
    ],
    ids=str,
)
def test_batches_keep_to_the_policy(policy: Policy, least: int, most: int) -> None:
    platform = Simulated(tasks("v1", range(1, policy.tasks + 1)))
    outcome, _ = rolled(platform, policy)
    assert outcome.succeeded
    assert len(platform.alive) == policy.tasks
    assert {task.release for task in platform.serving} == {"v2"}
    assert (platform.least_serving, platform.most_alive) == (least, most)


@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2), (3, 1)])
def test_another_number_of_tasks_than_before(before: int, after: int) -> None:
    platform = Simulated(tasks("v1", range(1, before + 1)))
    outcome, _ = rolled(platform, Policy(tasks=after, surge=1, min_running=after))
    assert outcome.succeeded
    assert platform.names() == [f"v2.{number}" for number in range(1, after + 1)]
    assert platform.least_serving >= min(before, after)


@pytest.mark.parametrize("step", ["start", "ready", "shift", "look"])
def test_failure_in_any_step_leaves_the_old_tasks_serving(step: str) -> None:
    platform = Simulated(tasks("v1", [1, 2]))
    platform.fails = {(step, "v2.2")}
    outcome, told = rolled(platform, ALL_AT_ONCE)
    assert (outcome.succeeded, outcome.rolled_back, outcome.is_whole) == (False, True, True)
    assert (outcome.task, outcome.reason, outcome.log_tail) == ("v2.2", f"{step} failed", "its last line")
    assert platform.names() == ["v1.1", "v1.2"]
    assert [task.name for task in platform.alive] == ["v1.1", "v1.2"]
    assert platform.least_serving == 2
    assert (told[-1].event, told[-1].task, told[-1].details["reason"]) == (
        "roll-failed",
        "v2.2",
        f"{step} failed",
    )
    assert Phase.BACK in {each.phase for each in told}


@pytest.mark.parametrize("step", ["start", "ready", "shift", "look"])
def test_failure_in_a_later_batch_brings_back_what_was_gone(step: str) -> None:
    platform = Simulated(tasks("v1", [1, 2, 3]))
    platform.fails = {(step, "v2.3")}
    outcome, _ = rolled(platform, ONE_BY_ONE)
    assert outcome.rolled_back
    assert platform.names() == ["v1.3", "v1.4", "v1.5"]
    assert platform.names() == [task.name for task in platform.alive]
    assert platform.least_serving == 3


@pytest.mark.parametrize("step", ["start", "ready", "shift", "look"])
def test_failure_where_capacity_was_given_up_first(step: str) -> None:
    platform = Simulated(tasks("v1", [1]))
    platform.fails = {(step, "v2.1")}
    outcome, _ = rolled(platform, Policy(tasks=1, surge=0, min_running=0))
    assert outcome.rolled_back
    assert platform.names() == ["v1.2"]


def test_task_that_is_never_ready_is_waited_for_no_longer_than_planned() -> None:
    platform = Simulated(tasks("v1", [1, 2]), boot=90.0)
    outcome, told = rolled(platform, Policy(tasks=2, surge=2, min_running=2, ready_timeout=5.0))
    assert (outcome.rolled_back, outcome.reason) == (True, "not ready within 5 s")
    assert told[-1].at == 5.0
    assert platform.names() == ["v1.1", "v1.2"]


def test_failed_first_roll_leaves_nothing() -> None:
    platform = Simulated()
    platform.fails = {("ready", "v1.2")}
    outcome, _ = rolled(platform, ALL_AT_ONCE, "v1")
    assert outcome.rolled_back
    assert (platform.alive, platform.serving) == ([], [])


def test_new_tasks_stay_where_the_old_ones_do_not_come_back() -> None:
    platform = Simulated(tasks("v1", [1, 2, 3]))
    platform.fails = {("ready", "v2.2"), ("start", "v1.4")}
    outcome, told = rolled(platform, ONE_BY_ONE)
    assert (outcome.succeeded, outcome.is_whole) == (False, False)
    assert platform.names() == ["v1.2", "v1.3", "v2.1"]
    assert [each.details["reason"] for each in told if each.event == "note"] == ["start failed"]


def test_old_task_that_does_not_stop_well_undoes_nothing() -> None:
    platform = Simulated(tasks("v1", [1, 2]))
    platform.fails = {("retire", "v1.1")}
    outcome, told = rolled(platform, ALL_AT_ONCE)
    assert outcome.succeeded
    assert platform.names() == ["v2.1", "v2.2"]
    assert [each.task for each in told if each.event == "note"] == ["v1.1"]


def test_old_tasks_stay_for_the_bake_time_while_the_new_are_looked_at() -> None:
    platform = Simulated(tasks("v1", [1, 2]), boot=2.0)
    outcome, told = rolled(platform, Policy(tasks=2, surge=2, min_running=2, bake_time=2.5))
    assert outcome.succeeded
    at = {(each.event, each.phase): each.at for each in told}
    assert at["step", Phase.SHIFT] == 2.0
    assert at["step", Phase.DRAIN] == 4.5
    assert platform.said.count("look v2.1 v2.2") == 4


def test_new_task_that_fails_while_it_bakes_is_taken_back() -> None:
    platform = Simulated(tasks("v1", [1, 2]))
    platform.fails = {("look", "v2.1")}
    outcome, _ = rolled(platform, Policy(tasks=2, surge=2, min_running=2, bake_time=60))
    assert outcome.rolled_back
    assert platform.said[-2:] == ["shift v1.1 v1.2 v2.1 v2.2", "abandon v2.1 v2.2"]


def test_rolls_are_counted() -> None:
    platform = Simulated()
    told: list[Event] = []
    events = EventLog(None, clock=platform.clock, listeners=[told.append], roll=6)
    roll(platform, "v1", ALL_AT_ONCE, events)
    roll(platform, "v2", ALL_AT_ONCE, events)
    assert sorted({each.roll for each in told}) == [7, 8]
