"""``gunwale check``: what will break in production, read from the project's files; nothing of it is run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gunwale.errors import ConfigurationError, Problem, StartError

if TYPE_CHECKING:
    from gunwale.check.run import Choice

_FORMATS = ("text", "json", "sarif", "github")


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--strict", "is_strict", is_flag=True, help="Show notes, and what only follows from defaults.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", help="For people or for machines."
)
@click.option("--select", metavar="NAME", multiple=True, help="Only this rule, or the rules of this topic.")
@click.option("--ignore", metavar="NAME", multiple=True, help="Not this rule, or the rules of this topic.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A report of --format json: what it holds is known, and not shown again.",
)
@click.option("--checklist", "as_checklist", is_flag=True, help="Show the production checklist instead.")
@click.option("--fix", "applies", is_flag=True, help="Mend what is mended mechanically, and show the rest.")
@click.option("--diff", "shows_diff", is_flag=True, help="Show what --fix would change, and change nothing.")
def command(path: Path, form: str, **options: Any) -> None:
    """Audit the project in PATH, across all of its files at once.

    Exit status 1: something was found. What could not be looked at is listed with its reason.
    """
    if options["as_checklist"] and form not in ("text", "json"):
        raise click.UsageError("--checklist is written as text or json")
    try:
        written, exit_code = _audit(path, form, options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("gunwale"):
            raise
        hint = "pip install 'gunwale[check]'"
        raise StartError(Problem(where="gunwale check", message=f"needs {error.name}", hint=hint)) from error
    if written:
        click.echo(written)
    sys.exit(exit_code)


def _audit(path: Path, form: str, options: dict[str, Any]) -> tuple[str, int]:
    """Return what is to be printed, and the exit status."""
    from gunwale.check import run

    choice = _choice(options)
    if options["as_checklist"]:
        from gunwale.check import checklist

        # All rules, whatever is selected or known: what was not looked for must not look met.
        items = checklist.items(run.audit(path, run.Choice(is_strict=True)))
        written = checklist.as_json(items) if form == "json" else checklist.as_text(items)
        return written, int(any(item.state is checklist.State.NOT_MET for item in items))
    from gunwale.check import fix

    report = run.audit(path, choice)
    if options["shows_diff"]:
        return fix.diff(report), report.exit_code
    if options["applies"] and (count := fix.apply(report)):
        click.echo(f"mended {count}: what is left", err=True)
        report = run.audit(path, choice)
    writer = importlib.import_module(f"gunwale.check.report.{form}")
    return writer.write(report), report.exit_code


def _choice(options: dict[str, Any]) -> Choice:
    from gunwale.check.finding import Topic
    from gunwale.check.rule import names
    from gunwale.check.run import Choice

    known = {*names(), *(topic.value for topic in Topic)}
    for option in ("select", "ignore"):
        for name in options[option]:
            if name not in known:
                raise ConfigurationError(unknown(f"--{option}", name, known))
    return Choice(
        select=frozenset(options["select"]),
        ignore=frozenset(options["ignore"]),
        is_strict=options["is_strict"],
        baseline=_baseline(options["baseline"]),
    )


def unknown(where: str, name: str, known: set[str]) -> Problem:
    """Say that there is no rule of that *name*, and which was probably meant."""
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "gunwale explain lists them"
    return Problem(where=where, message=f"no rule or topic {name!r}", hint=hint)


def _baseline(path: Path | None) -> frozenset[str]:
    import json

    if path is None:
        return frozenset()
    try:
        found = json.loads(path.read_text())["findings"]
        return frozenset(str(each["fingerprint"]) for each in found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = f"write one: gunwale check --format json > {path}"
        message = "no report of gunwale check --format json"
        raise ConfigurationError(Problem(where=str(path), message=message, hint=hint)) from error
