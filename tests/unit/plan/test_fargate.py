from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.plan.fargate import Size, exact, fitting

if TYPE_CHECKING:
    from unit.plan.conftest import Load, Refuse

GIB = 2**30
ECS = "rollout.platform=ecs"


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (0.25, None, Size(256, 512)),
        (1.0, None, Size(1024, 2048)),
        (1.0, 3 * GIB, Size(1024, 3072)),
        (0.25, 4 * GIB, None),  # 2 GiB at most
        (1.0, 3 * GIB + 1, None),  # whole steps only
        (3.0, None, None),
        (16.0, 40 * GIB, Size(16384, 40960)),
        (16.0, 36 * GIB, None),  # in steps of 8 GiB
    ],
)
def test_only_fargates_own_sizes_are_sizes(cpu: float, memory: int | None, size: Size | None) -> None:
    assert exact(cpu, memory) == size


def test_the_least_size_that_holds_it_is_found() -> None:
    assert fitting(0.25, 4 * GIB) == Size(512, 4096)
    assert fitting(3.0, None) == Size(4096, 8192)
    assert fitting(64.0, None) is None


def test_a_plan_without_a_fargate_size_is_refused_with_the_nearest(refusal: Refuse) -> None:
    said = refusal(sets=[ECS, "resources.cpu=0.25", "resources.memory=4GiB"])

    assert "Fargate has no task of 0.25 CPUs with 4 GiB" in said
    assert 'the least that holds it: cpu = 0.5, memory = "4096MiB"' in said


def test_this_machines_size_is_not_judged(plan: Load) -> None:
    assert plan(sets=[ECS]).rollout.platform == "ecs"


def test_a_roll_out_that_cannot_begin_is_refused_with_its_arithmetic(refusal: Refuse, plan: Load) -> None:
    said = refusal(sets=[ECS, "rollout.tasks=4", "rollout.max_percent=100"])

    assert "⌈4 × 100 %⌉ = 4 tasks must run, and ⌊4 × 100 %⌋ = 4 may" in said
    assert plan(sets=[ECS, "rollout.tasks=4", "rollout.max_percent=125"]).rollout.max_percent == 125


def test_percentages_that_come_to_no_task_are_refused(refusal: Refuse) -> None:
    assert "⌊2 × 140 %⌋ = 2 may" in refusal(sets=[ECS, "rollout.tasks=2", "rollout.max_percent=140"])


def test_a_roll_out_that_may_stop_everything_first_is_said(plan: Load) -> None:
    problems = plan(sets=[ECS, "rollout.tasks=3", "rollout.min_percent=0"]).problems
    (found,) = [each for each in problems if each.key == "rollout.min_percent"]

    assert "⌈3 × 0 %⌉ = 0 tasks must run" in found.message
    assert found.hint == "raise min_percent to 34 at least"


def test_scaling_below_the_least_is_refused(refusal: Refuse) -> None:
    assert "max_tasks 1 is below tasks 2" in refusal(sets=["rollout.tasks=2", "rollout.max_tasks=1"])


def test_the_connection_budget_counts_what_scaling_may_reach(plan: Load) -> None:
    sets = ["rollout.tasks=1", "serve.workers=1", "database.max_connections=100"]

    assert not _over(plan, *sets)
    assert _over(plan, *sets, "rollout.max_tasks=4")
    assert not _over(plan, *sets, "rollout.max_tasks=4", "database.pooler=pgbouncer")


def _over(plan: Load, *sets: str) -> bool:
    return any(each.key == "database.max_connections" for each in plan(sets=list(sets)).problems)
