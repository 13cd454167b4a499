"""``gunwale render``: the deployment's files, written from the plan and kept in step with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gunwale.render.artifact import Change


@click.command(name="render")
@click.argument("targets", metavar="[TARGET]…", nargs=-1)
@click.option("--check", "is_check", is_flag=True, help="Write nothing; exit 1 where a file is out of step.")
@click.option("--diff", "is_diff", is_flag=True, help="Write nothing; show what would change.")
@click.pass_obj
def command(obj: dict[str, Path | None], targets: tuple[str, ...], *, is_check: bool, is_diff: bool) -> None:
    """Write the deployment's files from the plan: TARGETs, else those written before, else what fits it.

    Nothing you edited is overwritten, and either every file is written or none.
    """
    from gunwale.plan.model import Severity
    from gunwale.render import files
    from gunwale.render.deployment import load_deployment
    from gunwale.render.survey import survey
    from gunwale.serve.servers import traits

    if is_check and is_diff:
        raise click.UsageError("--check and --diff are two questions: ask one")
    directory = Path()
    deployment = load_deployment(directory, obj["config"], traits())
    click.echo(deployment.plan.title)
    for problem in deployment.plan.problems:
        if problem.severity is Severity.WARNING:
            click.echo(f"warning: {problem}", err=True)
    changes = survey(deployment, targets)
    if is_diff:
        click.echo("".join(each.diff() for each in changes), nl=False)
    elif is_check:
        _report(changes)
    else:
        for each in files.write(directory, changes):
            click.echo(f"{each.artifact.path}: written")
        for each in changes:
            if each.is_current:
                click.echo(f"{each.artifact.path}: {each.state.value}")


def _report(changes: list[Change]) -> None:
    for each in changes:
        click.echo(f"{each.artifact.path}: {each.state.value}")
    if not all(each.is_current for each in changes):
        click.echo("hint: gunwale render --diff shows it, gunwale render writes it", err=True)
        sys.exit(1)
