"""``gunwale status``: what the site of this machine, or the running serve, is doing."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from gunwale.cli import _site

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="status")
@click.option("-b", "--bind", metavar="ADDR", help="The first address that a serve of its own was given.")
@_site.site_options
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    ctx: click.Context, /, *, bind: str | None, name: str | None, state: Path | None, style: str
) -> None:
    """Show the site that gunwale up brought up: its tasks, and what each does.

    Where there is none, or with --bind: the generations of a running gunwale serve, their workers, and what
    each has been running since when.
    """
    site = None if bind else _site_facts(ctx, name, state)
    if site and (site["up"] or name or state):
        _show_site(site, style)
        return
    from gunwale.errors import StartError
    from gunwale.serve.ask import ask, first_address

    address = bind or first_address(ctx.obj["config"])
    try:
        status = next(answer["status"] for answer in ask(address, {"do": "status"}) if "status" in answer)
    except StartError:
        if site is None:
            raise
        _show_site(site, style)
        return
    _into_ages(status)
    click.echo(json.dumps(status) if style == "json" else _text(status))


def _site_facts(ctx: click.Context, name: str | None, state: Path | None) -> dict[str, Any] | None:
    from gunwale.deploy import told
    from gunwale.deploy.state import State

    _, paths = _site.paths(ctx, name, state)
    site = State(paths).read()
    return told.facts(paths, site) if site else None


def _show_site(found: dict[str, Any], style: str) -> None:
    from gunwale.deploy import told

    click.echo(json.dumps(found, indent=2) if style == "json" else "\n".join(told.status(found)))


def _into_ages(status: dict[str, Any]) -> None:
    """Turn times of the machine's clock into seconds ago, which mean something elsewhere too."""
    now = time.monotonic()
    for generation in status["generations"]:
        for worker in generation["workers"]:
            worker["since"] = round(now - worker["since"], 1)
        for request in generation["running"]:
            request["started"] = round(now - request["started"], 3)


def _text(status: dict[str, Any]) -> str:
    plan = status["plan_file"] or "no plan file: defaults"
    where = ", ".join(status["bind"])
    lines = [f"{status['state']}  pid {status['pid']}  {where}  {plan}  {status['requests']} requests"]
    for generation in status["generations"]:
        lines.append(f"generation {generation['generation']} ({generation['role']}, pid {generation['pid']})")
        for worker in generation["workers"]:
            state = "booted" if worker["booted"] else "booting"
            lines.append(
                f"  worker {worker['pid']}  {state} {worker['since']:.0f} s ago"
                f"  {worker['requests']} requests  in {worker['busy']}"
            )
        lines += [
            f"    {request['request_id']}  for {request['started']:.1f} s in {request['pid']}"
            for request in generation["running"]
        ]
    return "\n".join(lines)
