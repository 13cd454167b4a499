"""A rehearsal from its start to its outcome: front, first release, load, roll-outs, count."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gunwale.deploy.events import EventLog
from gunwale.deploy.front import IDLE_TIMEOUT
from gunwale.deploy.roll import roll
from gunwale.errors import ConfigurationError, Problem, StartError
from gunwale.measure.load import LoadProcess, Profile
from gunwale.measure.load_profile import UNSAFE_TO_REPEAT
from gunwale.measure.load_trial import tried
from gunwale.measure.rehearse import audit, clocks, fronts, mixes, orders, phases, versions
from gunwale.measure.rehearse.faults import Fault, Kind
from gunwale.measure.rehearse.outcome import Rehearsal, Roll, Row
from gunwale.measure.rehearse.stage import Setting, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gunwale.deploy.events import Event
    from gunwale.deploy.policy import Policy
    from gunwale.deploy.roll import Outcome
    from gunwale.measure.load_clients import Progress
    from gunwale.measure.load_mix import Mix
    from gunwale.measure.load_report import Result
    from gunwale.measure.posts import Stored
    from gunwale.plan.model import Plan

Seconds = float

BEFORE, BETWEEN, AFTER = 2.0, 1.0, 2.0  # seconds of load around the roll-outs, which are to be steady
_GRACE = 20.0  # seconds for what is outstanding at the end; slow clients among it


def _quiet(_event: Event) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to rehearse.

    *project* is where the application is, *given* are ``KEY=VALUE`` words for its plan. *stored* tells how to
    learn what the application stored of the POSTs. *listener* hears each event as it happens, *tell* each
    stage; *follow* is given the load's counters, and None when there are none any more. *keep* gets the logs,
    the configurations and the events when it has ended.
    """

    plan: Plan
    project: Path
    platform: str = "host"
    front: str = "caddy"
    port: int = 0
    rate: float = 50.0
    keepalive_clients: int = 8
    mix: Mix = mixes.FIRST_PAGE
    rolls: int = 1
    fault: str = ""
    factor: float = 1.0
    propagation: Seconds | None = None
    pre_stop: Seconds = 0.0
    against_naive: bool = False
    stored: Stored | None = None
    given: tuple[str, ...] = ()
    environ: Mapping[str, str | None] = field(default_factory=dict)
    keep: Path | None = None
    listener: Callable[[Event], None] = _quiet
    tell: Callable[[str], None] = lambda _: None
    follow: Callable[[Callable[[], Progress] | None], None] = lambda _: None


def rehearse(request: Request) -> Rehearsal:
    """Run it, and where that is asked the naive way after it; nothing is left running.

    Raises StartError where the first release does not come up: nothing was rehearsed then.
    """
    found = _one(request, is_naive=False)
    if not request.against_naive:
        return found
    request.tell("the naive way: the bare server, in the order most people use")
    naive = replace(request, fault="", tell=lambda stage: request.tell(f"the naive way: {stage}"))
    return replace(found, against=_one(naive, is_naive=True))


def _one(request: Request, *, is_naive: bool) -> Rehearsal:
    told: list[Event] = []
    with contextlib.ExitStack() as stack:
        directory = _directory(request, stack, "naive" if is_naive else "ours")
        stage = _stage(request, directory, told, stack, is_naive=is_naive)
        policy = _policy(request, is_naive=is_naive)
        _first(stage, policy, request)
        mix = _mix(request, stage.balancer.url)
        run = _loaded(stage, policy, request, mix)
        began, result = run.began, run.result
        posts = audit.posts(
            result.records,
            request.stored or mix.stored,
            app=str(request.plan.app),
            directory=request.project,
            target=stage.balancer.url,
            env=_environ(request),
        )
        rows = phases.rows(result.records, told, stage.seen, began)
        return Rehearsal(
            title=f"{request.plan.name}, {'the naive way' if is_naive else 'gunwale serve'}",
            platform=request.platform,
            front=request.front,
            server=f"{request.plan.serve.server} {request.plan.serve.worker_class}",
            versions=versions.found(request.plan, request.front),
            rate=request.rate,
            started=run.started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            factor=request.factor,
            rows=rows,
            tasks=phases.lives(told, began),
            events=phases.as_rows(told, began),
            posts=posts,
            rolls=_rolls(run.outcomes, told, rows, began),
            lag_p99=result.lag_p99,
            seconds=round(result.stopped - began, 3),
            fault=request.fault,
            notes=tuple(_notes(request, mix)),
            doubts=result.bottleneck(),
        )


class _Run(NamedTuple):
    """A load and what was rolled out under it; *began* is the machine's clock, *started* the calendar's."""

    began: Seconds
    started: dt.datetime
    outcomes: list[Outcome]
    result: Result


def _loaded(stage: Stage, policy: Policy, request: Request, mix: Mix) -> _Run:
    with LoadProcess(_profile(request, mix, stage.balancer.url)) as load:
        began, started = time.monotonic(), dt.datetime.now(dt.UTC)
        request.follow(load.look)
        try:
            time.sleep(BEFORE)
            outcomes = _roll_all(stage, policy, request)
            request.tell("waiting for what is outstanding")
            time.sleep(AFTER)
        finally:
            request.follow(None)
        return _Run(began, started, outcomes, load.stop(_GRACE))


def _directory(request: Request, stack: contextlib.ExitStack, name: str) -> Path:
    """Return a folder that is gone afterwards; what one can read of it is kept where that is asked."""
    # Short, wherever the rest is kept: a Unix socket's path has at most 107 bytes, HAProxy's 97.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gunwale-")))
    if request.keep is not None:
        stack.callback(_keep, folder, request.keep / name)
    return folder


def _keep(folder: Path, kept: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            target = kept / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _stage(
    request: Request, directory: Path, told: list[Event], stack: contextlib.ExitStack, *, is_naive: bool
) -> Stage:
    request.tell(f"starting {request.front}")
    balancer = fronts.front(request.front, request.plan, directory / "front", request.port)
    stack.callback(balancer.stop)
    balancer.start()
    kinds = orders.NAIVE if is_naive else orders.OURS
    true = clocks.of(
        request.platform, request.plan, propagation=request.propagation, pre_stop=request.pre_stop
    )
    fault = Fault.of(request.fault, directory)
    listeners = (told.append, request.listener)
    setting = Setting(
        plan=request.plan,
        platform=request.platform,
        clocks=true.divided(request.factor, settling=fronts.SETTLING[request.front]).slower(fault.slowness),
        directory=directory,
        project=request.project,
        balancer=balancer,
        events=EventLog(directory / "events.jsonl", clock=Stage.CLOCK, listeners=listeners),
        fault=fault,
        given=request.given,
        environ=request.environ,
        is_naive=is_naive,
    )
    stage = kinds[request.platform](setting)
    stack.callback(setting.events.close)
    stack.callback(stage.close)
    return stage


def _policy(request: Request, *, is_naive: bool) -> Policy:
    policy = clocks.policy(request.platform, request.plan)
    if is_naive and request.platform == "host":
        # Stop, then start: no task of the new release runs beside one of the old.
        return replace(policy, surge=0, min_running=0)
    return policy


def _first(stage: Stage, policy: Policy, request: Request) -> None:
    request.tell("starting the first release")
    outcome = roll(stage, "v1", policy, stage.events)
    if not outcome.succeeded:
        tail = f"\n--- the last lines of its log\n{outcome.log_tail}\n---" if outcome.log_tail else ""
        message = f"{outcome.task or 'the first release'} {outcome.reason}{tail}"
        hint = "nothing was rehearsed: gunwale serve must come up with this plan first"
        raise StartError(Problem(where="rehearse", message=message, hint=hint))


def _profile(request: Request, mix: Mix, target: str) -> Profile:
    return Profile(
        target=target,
        rate=request.rate,
        mix=mix.asks,
        keepalive_clients=request.keepalive_clients,
        response_timeout=request.plan.serve.request_timeout + IDLE_TIMEOUT,
    )


def _roll_all(stage: Stage, policy: Policy, request: Request) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for number in range(request.rolls):
        if number:
            time.sleep(BETWEEN)
        request.tell(f"roll-out {number + 1} of {request.rolls}")
        outcomes.append(roll(stage, f"v{number + 2}", policy, stage.events))
        if not outcomes[-1].succeeded:
            break
    return outcomes


def _rolls(
    outcomes: Sequence[Outcome], told: Sequence[Event], rows: Sequence[Row], began: Seconds
) -> tuple[Roll, ...]:
    found = []
    for number, outcome in enumerate(outcomes, 1):
        own = [event for event in told if event.roll == number + 1]  # the first was the deployment itself
        seconds = own[-1].at - own[0].at
        found.append(
            Roll(
                number=number,
                succeeded=outcome.succeeded,
                seconds=round(seconds, 3),
                floor=audit.floor(own, rows, began) if outcome.succeeded else None,
                task=outcome.task or "",
                reason=outcome.reason,
                log_tail=outcome.log_tail,
                is_whole=outcome.is_whole,
            )
        )
    return tuple(found)


def _mix(request: Request, target: str) -> Mix:
    """Leave out what is not well before anything is rolled: nobody could tell it from a loss."""
    request.tell("asking each request of the mix once")
    mix = tried(request.mix, target)
    if not mix.asks:
        problem = Problem(
            where=request.mix.source,
            message="holds no request that is answered well before the roll-out",
            hint="; ".join(mix.notes) or "give --mix with a path that is answered with 2xx or 3xx",
        )
        raise ConfigurationError(problem)
    return mixes.with_slow(mix) if request.fault == Kind.SLOW_CLIENT else mix


def _environ(request: Request) -> dict[str, str]:
    merged = {**os.environ, **request.environ}
    return {name: value for name, value in merged.items() if value is not None}


def _notes(request: Request, mix: Mix) -> Iterator[str]:
    yield from mix.notes
    if request.factor != 1:
        yield (
            f"the platform's waits were divided by {request.factor:g}; its limits, and what real processes "
            "need, were not"
        )
    has_posts = any(ask.method in UNSAFE_TO_REPEAT for ask in mix.asks)
    if has_posts and request.stored is None and mix.stored is None:
        yield "what the application stored was not looked at: give --stored"
