"""The numbers of a roll-out, from the plan."""

from __future__ import annotations

import pytest

from gunwale.deploy.policy import Policy
from gunwale.errors import ConfigurationError
from gunwale.plan.sections import Rollout


@pytest.mark.parametrize(
    ("tasks", "surge", "least", "most", "expected"),
    [
        (1, 1, 100, 200, (1, 1)),
        (4, 1, 100, 200, (1, 4)),
        (4, 4, 100, 200, (4, 4)),
        (4, 9, 100, 200, (4, 4)),
        (3, 3, 50, 150, (1, 2)),  # ECS: the most rounded down, the least up
        (4, 4, 50, 100, (0, 2)),
    ],
)
def test_surge_and_least(tasks: int, surge: int, least: int, most: int, expected: tuple[int, int]) -> None:
    policy = Policy.of(Rollout(tasks=tasks, surge=surge, min_percent=least, max_percent=most))
    assert (policy.surge, policy.min_running) == expected


def test_times_come_from_the_plan() -> None:
    policy = Policy.of(Rollout(ready_timeout=12.0, bake_time=3.0))
    assert (policy.ready_timeout, policy.bake_time) == (12.0, 3.0)


@pytest.mark.parametrize(("tasks", "least", "most"), [(2, 100, 100), (1, 100, 150), (3, 67, 100)])
def test_roll_out_that_cannot_begin_is_refused(tasks: int, least: int, most: int) -> None:
    with pytest.raises(ConfigurationError, match="no roll-out can begin"):
        Policy.of(Rollout(tasks=tasks, min_percent=least, max_percent=most))
