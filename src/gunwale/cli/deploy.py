"""``gunwale deploy``: replace the running version by a new one, with no failed request."""

from __future__ import annotations

from typing import Any

import click

from gunwale.cli import _site


@click.command(name="deploy")
@_site.release_options
@_site.site_options
@click.pass_context
def command(ctx: click.Context, /, *, dry_run: bool, style: str, **options: Any) -> None:
    """Start the new version, wait until it is ready through the proxy, shift the traffic, stop the old.

    Exit 1 when it failed or was refused: then the old version serves on.
    """
    from gunwale.deploy import operate, told

    _, paths = _site.paths(ctx, options["name"], options["state"])
    site = operate.existing(paths)
    allow_root = _site.may_be_root(paths, options["allow_root"], dry_run=dry_run)
    prepared = operate.prepare(_site.wanted(ctx, options, allow_root=allow_root), site)
    if style == "text":
        click.echo(prepared.plan.title)
    if dry_run:
        for line in told.steps(prepared, site):
            click.echo(line)
        return
    screen = _site.Screen(style)
    with screen as console:
        outcome = operate.deploy(paths, prepared, console)
    screen.end(outcome, *_site.live(paths))
