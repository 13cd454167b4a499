"""``gunwale rollback``: roll an earlier release out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gunwale.cli import _site

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="rollback")
@click.argument("release", required=False)
@_site.site_options
@_site.allow_root_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    release: str | None,
    name: str | None,
    state: Path | None,
    allow_root: bool | None,
    style: str,
) -> None:
    """Roll RELEASE out again, or the one before that which is live, by the same steps as any other.

    After a deploy that was killed: the version that was live before it.
    """
    from gunwale.deploy import operate

    _, paths = _site.paths(ctx, name, state)
    _site.may_be_root(paths, allow_root)
    screen = _site.Screen(style)
    with screen as console:
        outcome = operate.rollback(paths, release, console)
    url, live = _site.live(paths)
    if outcome is None:
        click.echo(f"{live} had all the traffic still, and serves on at {url}")
        return
    screen.end(outcome, url, live)
