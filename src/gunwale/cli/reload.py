"""``gunwale reload``: replace the running generation by one that has proven itself."""

from __future__ import annotations

import sys

import click


@click.command(name="reload")
@click.option("-b", "--bind", metavar="ADDR", help="The first address that serve was given.")
@click.pass_context
def command(ctx: click.Context, /, *, bind: str | None) -> None:
    """Start the new version beside the old one, and shift to it once it is ready.

    Exit 1 when it was refused or failed: then the old version serves on.
    """
    from gunwale.serve.ask import ask, first_address

    address = bind or first_address(ctx.obj["config"])
    for answer in ask(address, {"do": "reload"}):
        if "say" in answer:
            click.echo(answer["say"])
        if "exit" in answer:
            sys.exit(answer["exit"])
