"""``gunwale init``: a first plan, from what the project's files tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gunwale.errors import ConfigurationError, Problem, StartError

if TYPE_CHECKING:
    from gunwale.render.detect import Detected

_PLATFORMS = ("none", "host", "docker", "ecs", "kubernetes")


@click.command(name="init")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--app", metavar="MODULE:NAME", help="The application, where the files do not tell it.")
@click.option("--platform", type=click.Choice(_PLATFORMS), help="Where it runs.")
def command(path: Path, app: str | None, platform: str | None) -> None:
    """Write a plan for the project in PATH: into pyproject.toml, else gunwale.toml. Nothing of it is run.

    Exit status 1: something that a plan needs cannot be told from the files, and nothing is written.
    """
    from gunwale.render import files, plan_file

    if app is not None:
        _check(app)
    found = _detect(path, app, platform)
    if "app" not in found.values:
        _tell(found)
        click.echo("nothing was written", err=True)
        sys.exit(1)
    project = path / found.folder
    draft = plan_file.draft(project, found.values)
    files.replace({draft.path: draft.text})
    _tell(found)
    click.echo(f"{draft.path.relative_to(path).as_posix()}: written")
    if found.folder:
        click.echo(
            f"the project lies in {found.folder}: say gunwale render there, where its Dockerfile belongs"
        )
    _judge(project)


def _check(app: str) -> None:
    from gunwale.plan.model import SETTINGS

    kind = SETTINGS["app"].kind
    try:
        kind.read(app)
    except ValueError as error:
        message = f"should be {kind.expects}, not {app!r}"
        raise ConfigurationError(Problem(where="--app", message=message)) from error


def _detect(path: Path, app: str | None, platform: str | None) -> Detected:
    try:
        from gunwale.project.model import Project
        from gunwale.render.detect import detect

        return detect(path, Project(path), app, platform)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("gunwale"):
            raise
        hint = "pip install 'gunwale[check]'"
        raise StartError(Problem(where="gunwale init", message=f"needs {error.name}", hint=hint)) from error


def _tell(found: Detected) -> None:
    for key, each in found.values.items():
        click.echo(f"{key} = {each.value}  ({each.place})")
    for sentence in found.conflicts:
        click.echo(f"conflict: {sentence}; none is taken")
    for sentence in found.unknown:
        click.echo(f"cannot tell: {sentence}")
    for sentence in found.notes:
        click.echo(f"note: {sentence}")


def _judge(path: Path) -> None:
    """Say what the plan itself says to the values that were taken over."""
    from gunwale.render.deployment import load_deployment
    from gunwale.serve.servers import traits

    try:
        problems = load_deployment(path, None, traits()).plan.problems
    except ConfigurationError as error:
        click.echo("the plan that these values make is refused; settle this first:", err=True)
        raise error from None
    for problem in problems:
        click.echo(f"{problem.severity.value}: {problem}")
