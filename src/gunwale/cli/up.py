"""``gunwale up``: run the application on this machine, behind Caddy, in a way that can be rolled out."""

from __future__ import annotations

from typing import Any

import click

from gunwale.cli import _site


@click.command(name="up")
@_site.release_options
@_site.site_options
@click.option("--listen", metavar="ADDR", help="Where clients ask; default: the plan's serve.bind.")
@click.option("--domain", metavar="NAME", multiple=True, help="A public name: HTTPS, by Let's Encrypt.")
@click.option(
    "--issuer",
    type=click.Choice(["acme", "internal"]),
    default="acme",
    show_default=True,
    help="Who signs the certificates; internal: Caddy itself, for trying.",
)
@click.pass_context
def command(ctx: click.Context, /, *, dry_run: bool, style: str, **options: Any) -> None:
    """Bring the site up and leave it running.

    Plain HTTP on loopback, or HTTPS for a --domain.  Where it is up already, what is missing of it is
    started again.  What fails leaves nothing running, and says why.
    """
    from gunwale.deploy import operate, told, unit
    from gunwale.deploy.state import State

    name, paths = _site.paths(ctx, options["name"], options["state"])
    allow_root = _site.may_be_root(paths, options["allow_root"], dry_run=dry_run)
    wanted = _site.wanted(ctx, options, allow_root=allow_root)
    prepared = operate.prepare(wanted, None)
    if style == "text":
        click.echo(prepared.plan.title)
    if dry_run:
        site = State(paths).read()
        for line in told.steps(prepared, site):
            click.echo(line)
        return
    screen = _site.Screen(style)
    with screen as console:
        outcome = operate.up(paths, name, prepared, console)
    url, live = _site.live(paths)
    if outcome is None:
        click.echo(f"{live} is up already at {url}; gunwale deploy brings a new version")
        return
    if outcome.succeeded and style == "text" and (site := State(paths).read()):
        click.echo(f"kept by its keeper; over a reboot by {unit.how(paths, site)}")
    screen.end(outcome, url, live)
