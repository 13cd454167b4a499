"""``gunwale hops``: the true hop counts of a proxy chain, measured from outside."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from gunwale.measure.hops_questions import Token
    from gunwale.measure.hops_report import Result
    from gunwale.plan.model import Plan

_COLOURS = {"PROVEN": "green", "UNSAFE": "red", "SAFE-BUT-BLIND": "yellow", "UNDECIDED": "yellow"}


@click.command(name="hops")
@click.argument("url")
@click.option(
    "--door", "doors", metavar="URL", multiple=True, help="Another way in: a port, a scheme, a name."
)
@click.option(
    "--token", metavar="T", envvar="GUNWALE_ECHO_TOKEN", help="The token of the application's echo."
)
@click.option(
    "--token-in-query", is_flag=True, help="Send the token in the query, where logs of the proxies keep it."
)
@click.option("--apply", "is_applied", is_flag=True, help="Write the counts into the plan's file.")
@click.option("--record", "is_recorded", is_flag=True, help="Keep the dated result beside the plan's file.")
@click.option("--address", metavar="IP", help="This machine's address as the front sees it, behind a NAT.")
@click.option("--source", "sources", metavar="IP", multiple=True, help="A local address to ask from.")
@click.option("--insecure", is_flag=True, help="Do not verify certificates.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people or for machines.",
)
@click.pass_obj
def command(obj: dict[str, Path | None], /, **options: Any) -> None:
    """Measure the proxy chain in front of URL, where an echo answers (gunwale echo, or the runtime's).

    Only URL and the doors are asked. Exit status 1: something is UNSAFE; 3: not reached, or not concluded.
    """
    from gunwale.measure import hops, hops_report
    from gunwale.plan import explain

    plan = _plan(obj["config"])
    if options["is_applied"] and plan.file is None:
        hint = "write one, or take the counts from the table"
        raise ConfigurationError(Problem(where="--apply", message="there is no plan file", hint=hint))
    _check_addresses(options)
    result = hops.measure(
        hops.Request(
            url=options["url"],
            doors=options["doors"],
            token=_token(options),
            configured=plan.proxies.hops,
            address=options["address"],
            sources=options["sources"] or None,
            is_insecure=options["insecure"],
            progress=_progress,
        )
    )
    document = hops_report.as_json(result)
    if options["form"] == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(plan.title)
        click.echo("\n".join(_coloured(line) for line in hops_report.table(result)))
        click.echo("it cannot protect against")
        click.echo("\n".join(f"  - {limit}" for limit in explain.proxy_fix_limits(plan)))
    _keep(plan, result, {**options, "config_file": obj["config"]})
    sys.exit(result.exit_code)


def _plan(config_file: Path | None) -> Plan:
    from gunwale.plan.load import load
    from gunwale.serve.servers import traits

    return load(Path(), environ=os.environ, config_file=config_file, servers=traits())


def _token(options: dict[str, Any]) -> Token | None:
    from gunwale.measure.hops_questions import Token

    if options["token_in_query"] and not options["token"]:
        hint = "give --token, or set GUNWALE_ECHO_TOKEN"
        raise ConfigurationError(Problem(where="--token-in-query", message="there is no token", hint=hint))
    return Token(options["token"], is_in_query=options["token_in_query"]) if options["token"] else None


def _check_addresses(options: dict[str, Any]) -> None:
    from ipaddress import ip_address

    given = [("--address", options["address"])] if options["address"] else []
    problems = []
    for option, text in [*given, *(("--source", each) for each in options["sources"])]:
        try:
            ip_address(text)
        except ValueError:
            problems.append(Problem(where=option, message=f"should be an IP address, not {text!r}"))
    if problems:
        raise ConfigurationError(problems)


def _keep(plan: Plan, result: Result, options: dict[str, Any]) -> None:
    from gunwale.measure import hops_plan, hops_report

    if options["is_recorded"]:
        folder = plan.file.parent if plan.file else Path()
        path = hops_plan.record(folder, hops_report.as_json(result), plan.proxies.chain)
        click.echo(f"recorded in {path}", err=True)
    if not options["is_applied"]:
        return
    assert plan.file is not None
    if result.undecided:
        click.echo(f"not applied: {', '.join(result.undecided)} could not be concluded", err=True)
        return
    before = plan.file.read_bytes()
    is_changed = hops_plan.apply(plan.file, result.counts)
    try:
        _plan(options["config_file"])
    except ConfigurationError:
        # The declared chain contradicts the measurement: which of the two is wrong is not ours to say.
        plan.file.write_bytes(before)
        raise
    click.echo(f"{'written to' if is_changed else 'already in'} {plan.file}", err=True)


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(
            f"\r{what}: {done} of {of} requests\x1b[K" + ("\r\x1b[K" if done == of else ""),
            nl=False,
            err=True,
        )


def _coloured(line: str) -> str:
    for verdict, colour in _COLOURS.items():
        if line.endswith(f" {verdict}"):
            return line.removesuffix(verdict) + click.style(verdict, fg=colour, bold=True)
    return line
