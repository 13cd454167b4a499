"""``gunwale rehearse``: a roll-out on this machine under load, every request counted."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from types import FrameType

    from gunwale.measure.load_mix import Mix
    from gunwale.measure.rehearse.outcome import Rehearsal
    from gunwale.plan.model import Plan

FAULTS = (
    "never-ready",
    "crash-after-ready",
    "kill-worker",
    "kill-task",
    "slow-client",
    "dependency-down",
    "balancer-slow",
)


@click.command(name="rehearse")
@click.argument("app", required=False)
@click.option(
    "--as",
    "platform",
    type=click.Choice(["host", "ecs", "kubernetes"]),
    help="Whose order and clocks; the plan's platform, or host.",
)
@click.option(
    "--front",
    type=click.Choice(["caddy", "nginx", "haproxy", "envoy"]),
    default="caddy",
    show_default=True,
    help="The proxy in front.",
)
@click.option("--rate", type=click.FloatRange(0.1, 5000), default=50.0, show_default=True, metavar="N")
@click.option("--rolls", type=click.IntRange(1, 1000), default=1, show_default=True, metavar="N")
@click.option("--tasks", type=click.IntRange(1, 100_000), metavar="N", help="Instead of the plan's.")
@click.option("--against", type=click.Choice(["naive"]), help="Run the bare server, unprotected, after it.")
@click.option("--fault", type=click.Choice(FAULTS), default=None, help="Make this go wrong.")
@click.option("--mix", metavar="SOURCE", help="What to ask: routes, a .toml or .json file, an access log; /.")
@click.option("--stored", metavar="WAY:VALUE", help="Lists stored POSTs: command:, callable:, sql: or url:.")
@click.option("--clock-factor", "factor", type=click.FloatRange(1, 1000), default=1.0, metavar="K")
@click.option("--propagation", metavar="S", help="Until what a balancer is told is in force everywhere.")
@click.option("--pre-stop", metavar="S", default="0", help="Kubernetes' preStop sleep before SIGTERM.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The front's; 0: a free one.")
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Any setting of the plan.")
@click.option("--keep", metavar="DIR", type=click.Path(path_type=Path), help="Keep logs and events there.")
@click.option("--report", metavar="FILE", type=click.Path(path_type=Path), help="One self-contained page.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--simulate", is_flag=True, help="Start nothing: the same roll-out on a simulated clock.")
@click.option("--boot", metavar="S", default="3", show_default=True, help="Of --simulate: a task's boot.")
@click.option("--boot-spread", metavar="S", default="0.5", show_default=True, help="Its deviation.")
@click.option("--failure-rate", type=click.FloatRange(0, 1), default=0.0, help="Of tasks that fail to boot.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.pass_obj
def command(obj: dict[str, Any], /, app: str | None, **options: Any) -> None:
    """Roll APP out on this machine as the platform would, under load, and count every request.

    Exit status 0: nothing was lost and the new version is in place; 1: a request was lost, or the roll-out
    was rolled back; 3: the first release, or the front, did not come up.
    """
    # Ended by a signal, it still ends what it started.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    plan = _plan(obj["config"], app, options)
    if options["simulate"]:
        sys.exit(_simulate(plan, options))
    found = _rehearse(plan, options)
    if options["report"] is not None:
        from gunwale.measure.report.page import write

        write(found, options["report"])
        click.echo(f"report: {options['report'].resolve()}", err=True)
    _show(found, options["style"], plan)
    sys.exit(found.exit_code)


def _rehearse(plan: Plan, options: dict[str, Any]) -> Rehearsal:
    from gunwale.measure.posts import Stored
    from gunwale.measure.rehearse.run import Request, rehearse
    from gunwale.measure.report.terminal import Progress

    platform = _platform(plan, options)
    asked = Request(
        plan=plan,
        project=Path.cwd(),
        platform=platform,
        front=options["front"],
        port=options["port"],
        rate=options["rate"],
        rolls=options["rolls"],
        mix=_mix(plan, options["mix"]),
        fault=options["fault"] or "",
        factor=options["factor"],
        propagation=_seconds("--propagation", options["propagation"]),
        pre_stop=_needed("--pre-stop", options["pre_stop"]),
        against_naive=options["against"] == "naive",
        stored=Stored.parse(options["stored"]) if options["stored"] else None,
        given=options["sets"],
        keep=options["keep"],
    )
    with Progress(f"{plan.name} behind {asked.front}, as {platform}", file=sys.stderr) as shown:
        return rehearse(replace(asked, listener=shown.hear, tell=shown.say, follow=shown.follow))


def _show(found: Rehearsal, style: str, plan: Plan) -> None:
    from gunwale.measure.rehearse import text

    if style == "json":
        click.echo(json.dumps(found.as_json(), ensure_ascii=False))
        return
    click.echo(plan.title)
    *body, verdict = text.lines(found)
    click.echo("\n".join(body))
    click.secho(verdict, fg="green" if found.exit_code == 0 else "red", bold=True)


def _simulate(plan: Plan, options: dict[str, Any]) -> int:
    from gunwale.measure.rehearse import clocks, simulate

    platform = _platform(plan, options)
    times = clocks.of(
        platform,
        plan,
        propagation=_seconds("--propagation", options["propagation"]),
        pre_stop=_needed("--pre-stop", options["pre_stop"]),
    )
    found = simulate.simulate(
        simulate.Request(
            plan=plan,
            platform=platform,
            clocks=times.divided(options["factor"], settling=0.0),
            boot=_needed("--boot", options["boot"]),
            spread=_needed("--boot-spread", options["boot_spread"]),
            failure_rate=options["failure_rate"],
            rolls=options["rolls"],
            seed=options["seed"],
        )
    )
    is_json = options["style"] == "json"
    click.echo(json.dumps(found.as_json()) if is_json else "\n".join([plan.title, *simulate.lines(found)]))
    return found.exit_code


def _platform(plan: Plan, options: dict[str, Any]) -> str:
    if options["platform"]:
        return str(options["platform"])
    return plan.rollout.platform if plan.rollout.platform in {"ecs", "kubernetes"} else "host"


def _plan(config_file: Path | None, app: str | None, options: dict[str, Any]) -> Plan:
    from gunwale.plan.capacity import detect
    from gunwale.plan.load import load
    from gunwale.serve.servers import traits

    # What follows from a platform (lame duck, stop timeout, readiness) follows from the one rehearsed.
    platform = {"rollout.platform": options["platform"]}
    given: dict[str, object] = {"app": app, "rollout.tasks": options["tasks"], **platform}
    plan = load(
        Path.cwd(),
        config_file=config_file,
        command_line={key: value for key, value in given.items() if value is not None},
        sets=options["sets"],
        environ=os.environ,
        capacity=detect(environ=os.environ),
        servers=traits(),
    )
    if plan.app is None and not options["simulate"]:
        hint = "gunwale rehearse 'module:variable' or 'module:factory()', or app = … in the plan's file"
        raise ConfigurationError(Problem(where="app", message="no application is given or found", hint=hint))
    return plan


def _mix(plan: Plan, source: str | None) -> Mix:
    from gunwale.measure.load_mix import read_mix
    from gunwale.measure.rehearse import mixes

    if source is None:
        return mixes.FIRST_PAGE
    return read_mix(source, app=str(plan.app), directory=Path.cwd())


def _seconds(option: str, text: str | None) -> float | None:
    return None if text is None else _needed(option, text)


def _needed(option: str, text: str) -> float:
    from gunwale.units import seconds

    try:
        return seconds(text)
    except ValueError:
        problem = Problem(where=option, message=f"should be a duration such as 3s, not {text!r}")
        raise ConfigurationError(problem) from None


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    # A second one does not stop the cleaning up.
    signal.signal(number, signal.SIG_IGN)
    click.echo("gunwale: rehearse: interrupted; ending what was started", err=True)
    sys.exit(128 + number)
