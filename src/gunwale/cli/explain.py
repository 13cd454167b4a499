"""``gunwale explain``: the page of a rule, offline."""

from __future__ import annotations

import click

from gunwale.errors import ConfigurationError


@click.command()
@click.argument("rule", required=False)
def command(rule: str | None) -> None:
    """Show the page of RULE: what it finds, why that is bad, and what to do; without RULE, list them all."""
    from gunwale.check import rule as rules
    from gunwale.cli.check import unknown

    if rule is None:
        for each in rules.discover().values():
            click.echo(f"{each.name:40} {each.about.topic:14} {each.about.severity:8} {each.summary}")
    elif rule not in rules.names():
        raise ConfigurationError(unknown("gunwale explain", rule, set(rules.names())))
    else:
        found = rules.find(rule)
        about = found.about
        click.echo(f"# {found.name}\n\n{about.topic}, {about.severity}, {about.confidence}\n\n{found.page}")
