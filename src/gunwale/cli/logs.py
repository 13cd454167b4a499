"""``gunwale logs``: what the site's processes wrote."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from gunwale.cli import _site

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.deploy.state import Paths

_TICK = 0.2


@click.command(name="logs")
@click.argument("names", nargs=-1)
@_site.site_options
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, show_default=True, help="Of each.")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is written.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    names: tuple[str, ...],
    name: str | None,
    state: Path | None,
    lines: int,
    follow: bool,
) -> None:
    """Show the last lines of NAMES: tasks, caddy, keeper; by default of the tasks that serve."""
    _, paths = _site.paths(ctx, name, state)
    files = _files(paths, names)
    seen = {}
    for each, path in files.items():
        text = path.read_bytes()
        seen[each] = len(text)
        for line in text.decode(errors="replace").splitlines()[-lines:] if lines else ():
            click.echo(f"{each} | {line}")
    while follow:
        time.sleep(_TICK)
        for each, path in (_files(paths, names) if not names else files).items():
            with contextlib.suppress(OSError), path.open("rb") as file:
                file.seek(seen.get(each, 0))
                text, _, _ = file.read().rpartition(b"\n")
            for line in text.decode(errors="replace").splitlines():
                click.echo(f"{each} | {line}")
            seen[each] = seen.get(each, 0) + len(text) + bool(text)


def _files(paths: Paths, names: tuple[str, ...]) -> dict[str, Path]:
    """Return the log of each of *names*; where none is given, of what serves or serves no more."""
    from gunwale.deploy.state import State
    from gunwale.errors import ConfigurationError, Problem

    there = {path.stem: path for path in sorted(paths.logs.glob("*.log"))}
    if (paths.run / "caddy.log").exists():
        there["caddy"] = paths.run / "caddy.log"
    if names:
        for each in names:
            if each not in there:
                hint = f"there are {', '.join(there)}" if there else "no site was up here"
                raise ConfigurationError(Problem(where=each, message="has no log here", hint=hint))
        return {each: there[each] for each in names}
    site = State(paths).read()
    if site is None:
        message = "no site is here"
        raise ConfigurationError(Problem(where=str(paths.root), message=message, hint="gunwale up"))
    return {each: there[each] for each in site.tasks if each in there}
