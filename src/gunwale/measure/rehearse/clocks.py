"""The clocks of the platforms a roll-out is rehearsed for: their defaults, and their division by a factor."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunwale.deploy.policy import Policy
from gunwale.plan.budget import MARGIN_SECONDS
from gunwale.plan.origin import Source

if TYPE_CHECKING:
    from gunwale.plan.model import Plan

Seconds = float

PLATFORMS = ("host", "ecs", "kubernetes")
FASTEST_CHECK = 0.05  # seconds: below it a check measures itself
_REACTION = 0.5  # seconds between the last request sent to a target and its arrival, on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How a platform takes its time.

    A new task is in when *healthy* checks, one each *interval*, were well in a row. What a balancer is
    told is in force *propagation* later. *deregistration_delay* passes between the way out and the signal
    (None: until nothing is in flight). *pre_stop* passes between the decision and the signal and counts in
    *stop_timeout*, which ends in SIGKILL.
    """

    interval: Seconds = 0.1
    healthy: int = 1
    propagation: Seconds = 0.0
    deregistration_delay: Seconds | None = None
    pre_stop: Seconds = 0.0
    lame_duck: Seconds = 0.0
    stop_timeout: Seconds = 60.0

    @property
    def drain_timeout(self) -> Seconds:
        """What serve has to finish what was accepted: the plan's arithmetic, with these clocks."""
        return max(0.0, self.stop_timeout - self.pre_stop - self.lame_duck - MARGIN_SECONDS)

    def divided(self, factor: float, *, settling: Seconds) -> Clocks:
        """Return these clocks *factor* times as fast.

        Limits stay (stop_timeout: nobody waits for it), and so does what real processes need: a lame duck
        that is long enough stays so, though *settling*, the time this front takes, is not divided.
        """
        if factor == 1:
            return self
        # One that is too short at its true clocks is not to be long enough here.
        delay, needs = self.deregistration_delay, settling + _REACTION
        quick = replace(
            self,
            interval=max(self.interval / factor, FASTEST_CHECK),
            propagation=self.propagation / factor,
            deregistration_delay=None if delay is None else min(delay, max(delay / factor, needs)),
            pre_stop=self.pre_stop / factor,
            lame_duck=self.lame_duck / factor,
        )
        is_enough = self.lame_duck >= self.needed(settling)
        return replace(quick, lame_duck=max(quick.lame_duck, quick.needed(settling))) if is_enough else quick

    def needed(self, settling: Seconds) -> Seconds:
        """Return the lame duck behind a front that follows *settling* after it is told."""
        return max(0.0, self.propagation - self.pre_stop) + settling + _REACTION

    def slower(self, seconds: Seconds) -> Clocks:
        """Return the clocks of a plan that was made for a balancer slower by *seconds*."""
        return replace(self, lame_duck=self.lame_duck + seconds) if self.lame_duck else self


def of(platform: str, plan: Plan, *, propagation: Seconds | None = None, pre_stop: Seconds = 0.0) -> Clocks:
    """Return the clocks of *platform* at their true speed, with the plan's values where it has them.

    ECS: target checks 30 s apart, 5 of them (AWS: CreateTargetGroup), deregistration delay 300 s, a target
    gone from all of the balancer's nodes some seconds later. Kubernetes: readinessProbe 10 s apart, 1 of them
    (Probe), preStop and SIGTERM while the endpoints are still being withdrawn, which takes seconds.
    """
    others = {"none", "docker"} if platform == "host" else set()
    is_own = plan.rollout.platform in {platform, *others}
    if platform == "ecs":
        delay = plan.rollout.deregistration_delay if is_own else None
        clocks = Clocks(
            interval=30.0,
            healthy=5,
            propagation=3.0,
            deregistration_delay=300.0 if delay is None else delay,
            lame_duck=plan.serve.lame_duck if is_own else 5.0,
        )
    elif platform == "kubernetes":
        clocks = Clocks(
            interval=10.0,
            propagation=3.0,
            lame_duck=plan.serve.lame_duck if is_own else 5.0,
            pre_stop=pre_stop,
        )
    else:
        clocks = Clocks(lame_duck=plan.serve.lame_duck if is_own else 0.0)
    clocks = replace(clocks, stop_timeout=plan.rollout.stop_timeout)
    return clocks if propagation is None else replace(clocks, propagation=propagation)


def policy(platform: str, plan: Plan) -> Policy:
    """Return how many tasks may be more or fewer meanwhile, where the plan does not say: by the platform.

    ECS starts as many as maximumPercent allows (CreateService); Kubernetes' maxSurge is a quarter, rounded
    up (RollingUpdateDeployment); on one machine it is the plan's default.
    """
    rollout = plan.rollout
    origin = plan.origins.get("rollout.surge")
    if origin is None or origin.source in {Source.DEFAULT, Source.DERIVED}:
        by_percent = rollout.tasks * rollout.max_percent // 100 - rollout.tasks
        surges = {"ecs": by_percent, "kubernetes": math.ceil(rollout.tasks / 4)}
        rollout = replace(rollout, surge=max(1, surges.get(platform, rollout.surge)))
    return Policy.of(rollout)
