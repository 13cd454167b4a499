"""``gunwale echo``: a tiny application in the application's place, for ``gunwale hops`` to ask."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

_APPLICATION = "gunwale.runtime.echo:application"
_TOKEN = "GUNWALE_ECHO_TOKEN"  # noqa: S105 - a name, not a token
# What only the application itself needs.
_WITHOUT = ("environment.required=[]", "environment.secrets={}", "health.checks=[]")


@click.command()
@click.option("-b", "--bind", metavar="ADDR", multiple=True, help="host:port, [::1]:port or unix:/path.")
@click.option("--token", metavar="T", help="Answer only who knows it; also as GUNWALE_ECHO_TOKEN.")
@click.option("--allow-root", is_flag=True, help="Serve as root all the same.")
@click.pass_obj
def command(
    obj: dict[str, Path | None], bind: tuple[str, ...], token: str | None, *, allow_root: bool
) -> None:
    """Serve an echo in the application's place, as the project's plan says, until SIGTERM.

    Every path answers with the fields of the request as the server handed them over, and with what became
    of them: server, sockets and declared chain are the plan's, so what is measured is what will be.
    """
    if token is not None:
        os.environ[_TOKEN] = token
    if not os.environ.get(_TOKEN):
        click.echo("gunwale: the echo answers everyone: give --token where others can reach it", err=True)
    words = ["serve", _APPLICATION, "--workers", "1"]
    for address in bind:
        words += ["--bind", address]
    for setting in _WITHOUT:
        words += ["--set", setting]
    if allow_root:
        words.append("--allow-root")
    if obj["config"]:
        words = ["--config", str(obj["config"]), *words]
    sys.stderr.flush()
    # -P: the project's files must not hide gunwale's own.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "gunwale", *words])  # noqa: S606
