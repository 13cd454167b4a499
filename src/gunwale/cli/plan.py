"""``gunwale plan``: every number of the deployment, where it came from, and the arithmetic behind it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--explain", "key", metavar="KEY", help="Tell the whole story of one value.")
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Set any value of the plan.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people or for machines.",
)
@click.pass_obj
def command(
    obj: dict[str, Path | None], path: Path, key: str | None, sets: tuple[str, ...], form: str
) -> None:
    """Show every value of the plan of the project in PATH, with its origin and its reason."""
    # Here, because `gunwale --help` imports every verb.
    from gunwale.cli import _plan_output as output
    from gunwale.plan import explain
    from gunwale.plan.load import load
    from gunwale.serve.servers import traits

    wanted = explain.find_key(key) if key else None
    plan = load(path, environ=os.environ, config_file=obj["config"], sets=sets, servers=traits())
    if form == "json":
        click.echo(json.dumps(output.document(plan, wanted), indent=2, ensure_ascii=False))
        return
    click.echo(plan.title)
    for line in output.text(plan, wanted):
        click.echo(line)
