"""``gunwale down``: answer what was accepted, then stop the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gunwale.cli import _site

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="down")
@_site.site_options
@click.pass_context
def command(ctx: click.Context, /, *, name: str | None, state: Path | None) -> None:
    """Accept no more requests, answer those there are, and stop everything; logs and releases stay."""
    from gunwale.deploy import operate

    _, paths = _site.paths(ctx, name, state)
    screen = _site.Screen("text")
    with screen as console:
        operate.down(paths, console)
    click.echo("down")
