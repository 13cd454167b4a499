"""``gunwale status``: what the running serve is doing."""

from __future__ import annotations

import json
import time
from typing import Any

import click


@click.command(name="status")
@click.option("-b", "--bind", metavar="ADDR", help="The first address that serve was given.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, /, *, bind: str | None, style: str) -> None:
    """Show the generations, their workers, and what each has been running since when."""
    from gunwale.serve.ask import ask, first_address

    address = bind or first_address(ctx.obj["config"])
    status = next(answer["status"] for answer in ask(address, {"do": "status"}) if "status" in answer)
    _into_ages(status)
    click.echo(json.dumps(status) if style == "json" else _text(status))


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
