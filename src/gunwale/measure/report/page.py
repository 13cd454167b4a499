"""The page: its parts put into one file that asks nothing of any network, and says so to the browser."""

from __future__ import annotations

import base64
import hashlib
import string
from importlib import resources
from typing import TYPE_CHECKING

from gunwale import __version__
from gunwale.measure.report import words
from gunwale.measure.report.payload import payload
from gunwale.measure.report.tags import join, tag

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.measure.rehearse.outcome import Rehearsal

_SCRIPTS = ("run.js", "draw.js", "failures.js", "page.js")


def write(rehearsal: Rehearsal, path: Path) -> None:
    """Write the page to *path*, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(render(rehearsal), encoding="utf-8")
    unfinished.replace(path)


def render(rehearsal: Rehearsal) -> str:
    """Return the page: the verdict, the figures and the tables stand in it, the charts are drawn by it."""
    style = f"\n{_asset('page.css')}"
    script = '\n(() => {\n"use strict";\n' + "\n".join(_asset(name) for name in _SCRIPTS) + "})();\n"
    return string.Template(_asset("page.html")).substitute(
        policy=_policy(style, script),
        style=style,
        script=script,
        data=payload(rehearsal),
        title=join([rehearsal.title]),
        mood=words.mood(rehearsal),
        verdict=tag("h1", words.headline(rehearsal)),
        summary=join(tag("p", sentence) for sentence in words.summary(rehearsal)),
        facts=words.facts(rehearsal),
        figures=words.figures(rehearsal),
        phases=words.phases(rehearsal),
        steps=words.steps(rehearsal),
        remarks=words.remarks(rehearsal),
        version=__version__,
    )


def _policy(style: str, script: str) -> str:
    """Nothing from outside, and of what is inside only these very texts: a path cannot become a script."""
    inside = f"style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:"
    return f"default-src 'none'; {inside}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
