"""What the verbs of a site share: which site, which release, and how a roll-out is shown."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunwale.deploy.events import Event
    from gunwale.deploy.launch import Wanted
    from gunwale.deploy.operate import Console
    from gunwale.deploy.roll import Outcome
    from gunwale.deploy.state import Paths

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def site_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what tells which site is meant."""
    for option in (
        click.option("--name", metavar="NAME", help="The site, where the plan's name is not meant."),
        click.option("--state", type=_FOLDER, help="The folder of its state, logs and sockets."),
    ):
        command = option(command)
    return command


allow_root_option = click.option(
    "--allow-root/--no-allow-root",
    default=None,
    help="Run the application as root all the same; the site remembers it, --no-allow-root takes it back.",
)


def release_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what tells which release is meant and how it runs."""
    for option in (
        click.argument("app", required=False),
        click.option(
            "--release",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The folder of the release; default: here, as it stands.",
        ),
        click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Any setting of the plan."),
        click.option("--env-file", type=_FILE, help="Variables for the application, NAME=value a line."),
        allow_root_option,
        click.option("--dry-run", is_flag=True, help="Print the steps with the plan's numbers, do nothing."),
        click.option("--format", "style", type=click.Choice(["text", "json"]), default="text"),
    ):
        command = option(command)
    return command


def paths(ctx: click.Context, name: str | None, state: Path | None) -> tuple[str, Paths]:
    """Return the site's name and where it lies.

    ConfigurationError where only the folder's name says so, and another folder's site has it.
    """
    from gunwale.deploy.state import Paths, State, folder
    from gunwale.errors import ConfigurationError, Problem
    from gunwale.plan.load import load
    from gunwale.plan.origin import Source
    from gunwale.serve.servers import traits

    is_derived = False
    if name is None:
        plan = load(Path.cwd(), config_file=ctx.obj["config"], environ=os.environ, servers=traits())
        name, is_derived = plan.name, plan.origins["name"].source is Source.DERIVED and state is None
    found = Paths(folder(name, state, dict(os.environ)))
    site = State(found).read() if is_derived else None
    if site and site.project != str(Path.cwd()):
        hint = "write name = … into this project's plan, or give --name"
        message = f"the site {name} is that of another folder, {site.project}"
        raise ConfigurationError(Problem(where=str(Path.cwd()), message=message, hint=hint))
    return name, found


def may_be_root(paths: Paths, word: bool | None, *, dry_run: bool = False) -> bool:  # noqa: FBT001 - None: unsaid
    """Tell whether the application may run as root, and keep what the operator says of it."""
    from gunwale.deploy import allowed
    from gunwale.deploy.state import State

    state = State(paths)
    if not dry_run and allowed.remember(state, word):
        how = "may run as root" if word else "may run as root no more; what runs now stays"
        click.echo(f"the application {how}, and the site remembers it", err=True)
    return allowed.root(state, word)


def wanted(ctx: click.Context, options: dict[str, Any], *, allow_root: bool) -> Wanted:
    """Return the release that the options tell."""
    from gunwale.deploy.launch import Wanted

    return Wanted(
        directory=(options["release"] or Path.cwd()).absolute(),
        app=options["app"],
        config=ctx.obj["config"],
        sets=options["sets"],
        env_file=options["env_file"],
        allow_root=allow_root,
        listen=options.get("listen"),
        domains=options.get("domain", ()),
        issuer=options.get("issuer", "acme"),
    )


class Screen:
    """Shows a roll-out as it goes; the first Ctrl-C ends it by its way back, the second at once."""

    def __init__(self, style: str) -> None:
        self.style = style
        self.events: list[Event] = []
        self._why = ""

    def __enter__(self) -> Console:
        from gunwale.deploy.operate import Console

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._signalled)
        return Console(hear=self._hear, asked=lambda: self._why)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    def _signalled(self, number: int, _frame: object) -> None:
        if self._why:
            raise KeyboardInterrupt
        self._why = f"stopped by {signal.Signals(number).name}"

    def _hear(self, event: Event) -> None:
        from gunwale.deploy.told import line

        self.events.append(event)
        shown = line(event, self.events[0].at)
        if shown and self.style == "text":
            click.echo(shown)

    def end(self, outcome: Outcome, url: str, live: str | None) -> None:
        """Show how it ended, and end with the exit code that says so."""
        if self.style == "json":
            self._json(outcome, url, live)
        elif outcome.succeeded:
            click.echo(f"{outcome.release} is live at {url}")
        else:
            self._failed(outcome, live)
        sys.exit(0 if outcome.succeeded else 1)

    def _json(self, outcome: Outcome, url: str, live: str | None) -> None:
        found = {
            "succeeded": outcome.succeeded,
            "release": outcome.release,
            "live": live,
            "url": url,
            "reason": outcome.reason,
            "task": outcome.task,
            "log_tail": outcome.log_tail,
            "events": [event.as_json() for event in self.events],
        }
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))

    @staticmethod
    def _failed(outcome: Outcome, live: str | None) -> None:
        where = outcome.task or outcome.release
        click.echo(f"gunwale: {where}: {outcome.reason}", err=True)
        if outcome.log_tail:
            click.echo(f"its last log lines:\n{outcome.log_tail}", err=True)
        if not outcome.is_whole:
            click.echo("gunwale: not every old task came back: gunwale status shows what serves", err=True)
        elif live:
            click.echo(f"gunwale: {live} serves on, it never stopped", err=True)
        else:
            click.echo("gunwale: nothing is left running", err=True)


def live(paths: Paths) -> tuple[str, str | None]:
    """Return where the site is asked, and which release is live."""
    from gunwale.deploy.state import State

    site = State(paths).read()
    return (site.url, site.live[-1] if site.live and site.is_up else None) if site else ("", None)
