"""What the verbs do to a site of this machine: up, deploy, rollback, down."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import audit, commands, halt, keeper, launch, lock, unit
from gunwale.deploy.balancers.caddy import Caddy
from gunwale.deploy.clock import RealClock
from gunwale.deploy.events import EventLog, Phase
from gunwale.deploy.history import earlier
from gunwale.deploy.platforms.host import Host
from gunwale.deploy.policy import Policy
from gunwale.deploy.roll import Outcome, StepError, roll
from gunwale.deploy.state import Paths, Site, State
from gunwale.errors import ConfigurationError, Problem, StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.deploy.caddy_config import Site as Front
    from gunwale.deploy.events import Event
    from gunwale.deploy.launch import Wanted
    from gunwale.deploy.state import Release
    from gunwale.plan.model import Plan


_KEPT = 20  # releases
_CADDY = 20.0  # seconds until a Caddy that died is back


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Who watches: *hear* gets each event, *asked* says why the roll-out is to end now, or ""."""

    hear: Callable[[Event], None] = lambda _: None
    asked: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A release that is ready to be rolled out: its *plan*, the *front* that it asks for, its numbers."""

    wanted: Wanted
    plan: Plan
    sets: tuple[str, ...]
    front: Front
    policy: Policy
    origin: str | None = field(default=None)


def prepare(wanted: Wanted, known: Site | None, origin: str | None = None) -> Prepared:
    """Read everything that a roll-out of *wanted* needs; ConfigurationError for what cannot go well."""
    plan, sets = launch.read_plan(wanted)
    return Prepared(
        wanted=wanted,
        plan=plan,
        sets=tuple(sets),
        front=launch.front(wanted, plan, known.caddy if known and known.front else None),
        policy=Policy.of(plan.rollout),
        origin=origin,
    )


def existing(paths: Paths) -> Site:
    """Return the site below *paths*; ConfigurationError where it is not up."""
    site = State(paths).read()
    if site is None or not site.is_up:
        message = "no site is up here"
        raise ConfigurationError(Problem(where=str(paths.root), message=message, hint="gunwale up"))
    return site


def up(paths: Paths, name: str, prepared: Prepared, console: Console) -> Outcome | None:
    """Bring the site up; None where it is up already, and only what was missing of it was started."""
    state = State(paths)
    project = str(Path.cwd())
    paths.make()
    with lock.hold(paths.root, "up"):
        site = state.read()
        if site and site.is_up:
            keeper.ensure(paths)
            return None
        if site is None:
            site = Site(name=name, project=project)
        site.front, site.project = asdict(prepared.front), project
        site.allow_root = prepared.wanted.allow_root
        state.create(site)
        outcome = None
        try:
            outcome = _first(state, prepared, console)
        finally:
            # Whatever came in between: a site that is not up leaves no process.
            if outcome is None or not outcome.succeeded:
                halt.halt(state, EventLog(paths.events, clock=RealClock()))
                _forget_rolling(state)
    return outcome


def _first(state: State, prepared: Prepared, console: Console) -> Outcome:
    caddy = Caddy(state.paths.run, prepared.front)
    caddy.stop()
    caddy.set_targets(())
    caddy.start()
    with state.change() as site:
        site.front, site.url = asdict(caddy.site), caddy.url
    return _roll_out(state, "up", replace(prepared, front=caddy.site), console)


def deploy(paths: Paths, prepared: Prepared, console: Console, verb: str = "deploy") -> Outcome:
    """Replace the running release by a new one."""
    existing(paths)
    state = State(paths)
    with lock.hold(paths.root, verb):
        keeper.ensure(paths)
        _wait_for_caddy(state)
        return _roll_out(state, verb, prepared, console)


def _wait_for_caddy(state: State) -> None:
    """Wait for a Caddy that was killed: the keeper starts it again."""
    caddy = Caddy(state.paths.run, existing(state.paths).caddy)
    deadline = time.monotonic() + _CADDY
    while not caddy.answers:
        if time.monotonic() > deadline:
            hint = f"its log is {caddy.log}, the keeper's {state.paths.log('keeper')}"
            raise StartError(Problem(where=caddy.url, message="Caddy does not answer", hint=hint))
        time.sleep(0.05)


def _roll_out(state: State, verb: str, prepared: Prepared, console: Console) -> Outcome:
    site = state.read()
    assert site is not None
    paths, clock = state.paths, RealClock()
    events = EventLog(paths.events, clock=clock, listeners=[console.hear], roll=site.rolls)
    caddy = Caddy(paths.run, site.caddy)
    host = Host(state, caddy, events, clock, console.asked)
    commands.refuse_running(paths)
    host.recover()
    release = _new_release(state, prepared)
    hooks = _Hooks(release, prepared, paths, host)
    audit.record(paths.audit, verb, release=release.name, directory=release.directory, ended=False)
    try:
        hooks.run("before_command")
        caddy.apply(launch.between(site.caddy, prepared.front))
        hooks.run("release_command")
        outcome = roll(host, release.name, prepared.policy, events)
    except (StepError, StartError) as error:
        failed = error if isinstance(error, StepError) else StepError(None, str(error))
        outcome = _refused(release, failed)
        events.tell("roll-failed", phase=Phase.STEADY, reason=failed.reason, log_tail=failed.log_tail)
    _settle(state, caddy, release, prepared, outcome)
    audit.record(paths.audit, verb, release=release.name, succeeded=outcome.succeeded, reason=outcome.reason)
    hooks.afterwards(outcome, events)
    return outcome


def _refused(release: Release, error: StepError) -> Outcome:
    return Outcome(
        succeeded=False, release=release.name, reason=error.reason, task=error.task, log_tail=error.log_tail
    )


def _new_release(state: State, prepared: Prepared) -> Release:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with state.change() as site:
        name = site.next_release()
        release = launch.release(prepared.wanted, prepared.plan, prepared.sets, name, created)
        if prepared.origin:
            release = replace(release, origin=prepared.origin)
        launch.keep_environ(state.paths, name, prepared.wanted.environ)
        site.releases[name], site.rolling = release, name
        site.rolls += 1
    return release


def _settle(state: State, caddy: Caddy, release: Release, prepared: Prepared, outcome: Outcome) -> None:
    """Write down how it ended; only then the front is wholly as the new plan says, or the old one's again."""
    with state.change() as site:
        site.rolling = None
        if outcome.succeeded:
            site.live.append(release.name)
            site.is_up = True
            site.front = asdict(replace(prepared.front, listen=site.caddy.listen))
        front = site.caddy
    if not outcome.succeeded and not site.is_up:
        return
    with contextlib.suppress(StartError):
        caddy.apply(front)
    if outcome.succeeded:
        keeper.ensure(state.paths)
        unit.write(state.paths, site, release.stop_timeout)
        with contextlib.suppress(OSError):
            _forget_old(state)


def _forget_old(state: State) -> None:
    """Remove what is kept of releases long gone: their logs, and their environments."""
    with state.change() as site:
        used = {task.release for task in site.tasks.values()}
        used |= {site.releases[name].origin for name in list(site.releases)[-_KEPT:]}
        old = [name for name in list(site.releases)[:-_KEPT] if name not in used]
        for name in old:
            del site.releases[name]
        site.live = [name for name in site.live if site.releases.get(name)]
    for name in old:
        state.paths.environ(name).unlink(missing_ok=True)
        for log in state.paths.logs.glob(f"{name}.*.log"):
            log.unlink()


def _forget_rolling(state: State) -> None:
    with state.change() as site:
        site.rolling, site.is_up = None, False


class _Hooks:
    """The commands of a roll-out's plan."""

    def __init__(self, release: Release, prepared: Prepared, paths: Paths, host: Host) -> None:
        self._release, self._prepared, self._paths, self._host = release, prepared, paths, host

    def run(self, name: str, **told: str) -> None:
        command = getattr(self._prepared.plan.rollout, name)
        if command:
            given, clock = self._prepared.wanted.environ, self._host.clock
            commands.run(command, name, self._release, self._paths, clock, given, **told)

    def afterwards(self, outcome: Outcome, events: EventLog) -> None:
        """Run what comes after; it changes nothing of the outcome any more."""
        name = "after_command" if outcome.succeeded else "failure_command"
        try:
            self.run(name, ROLL_REASON=outcome.reason)
        except StepError as error:
            events.tell("note", phase=Phase.STEADY, reason=error.reason, log_tail=error.log_tail)


def rollback(paths: Paths, wanted: str | None, console: Console) -> Outcome | None:
    """Roll an earlier release out again, by the same steps as any other.

    None where a roll-out had been cut short before it had traffic: it is cleared away, and that was all.
    """
    site = existing(paths)
    if wanted is None and _is_untouched(site):
        with lock.hold(paths.root, "rollback"):
            state, clock = State(paths), RealClock()
            events = EventLog(paths.events, clock=clock, listeners=[console.hear], roll=site.rolls)
            Host(state, Caddy(paths.run, site.caddy), events, clock).recover()
            audit.record(paths.audit, "rollback", release=site.live[-1], succeeded=True)
            keeper.ensure(paths)
        return None
    found = earlier(site, wanted)
    if not Path(found.directory).is_dir():
        message = f"the folder of {found.name} is gone"
        raise ConfigurationError(Problem(where=found.directory, message=message))
    environ = json.loads(paths.environ(found.name).read_text())
    again = launch.Wanted.again(found, environ, allow_root=site.allow_root)
    prepared = prepare(again, site, found.name)
    return deploy(paths, prepared, console, "rollback")


def _is_untouched(site: Site) -> bool:
    """Whether a roll-out was cut short, and all that has traffic is what was live before."""
    serving = {task.release for task in site.serving()}
    return site.rolling is not None and bool(site.live) and serving == {site.live[-1]}


def down(paths: Paths, console: Console) -> None:
    """Answer what was accepted, then stop everything, also what a killed `up` left; its logs stay."""
    state = State(paths)
    if state.read() is None:
        existing(paths)
    with lock.hold(paths.root, "down"):
        with state.change() as site:
            site.is_up = False
        events = EventLog(paths.events, clock=RealClock(), listeners=[console.hear], roll=site.rolls)
        halt.halt(state, events)
        audit.record(paths.audit, "down")
