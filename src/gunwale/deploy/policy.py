"""The numbers of a roll-out, from the plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from gunwale.plan.sections import Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many tasks run, and how many more (*surge*) or fewer (*min_running*) during a roll-out.

    surge = min(rollout.surge, ⌊tasks × max_percent / 100⌋ − tasks) and
    min_running = ⌈tasks × min_percent / 100⌉: the most is rounded down and the least up, as ECS does
    (CreateService: maximumPercent, minimumHealthyPercent).
    *bake_time* is how long the old tasks stay after the shift.
    """

    tasks: int
    surge: int = 1
    min_running: int = 1
    ready_timeout: float = 60.0
    bake_time: float = 0.0

    def __post_init__(self) -> None:
        if self.surge < 1 and self.min_running >= self.tasks:
            raise ConfigurationError(
                Problem(
                    where="rollout.max_percent",
                    message=f"no roll-out can begin: {self.min_running} of {self.tasks} tasks must run, "
                    f"and {self.tasks + self.surge} may",
                    hint="raise max_percent to 200, or lower min_percent and lose that capacity meanwhile",
                )
            )

    @classmethod
    def of(cls, rollout: Rollout) -> Self:
        """Compute the policy of a plan's *rollout*."""
        most = rollout.tasks * rollout.max_percent // 100
        return cls(
            tasks=rollout.tasks,
            surge=min(rollout.surge, most - rollout.tasks),
            min_running=math.ceil(rollout.tasks * rollout.min_percent / 100),
            ready_timeout=rollout.ready_timeout,
            bake_time=rollout.bake_time,
        )
