"""The flask command: `flask run` is Werkzeug's server; its other commands end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Unknown
from gunwale.project.start import NotWeb, Server

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path
    from gunwale.project.start import Outcome

NAMES = ("flask",)
_WITH_VALUE = ("-A", "--app", "-e", "--env-file", "-h", "--host", "-p", "--port")


def follow(call: Call, path: Path) -> Outcome:  # noqa: ARG001 - a program's signature
    """Tell `flask run` from the others."""
    words = call.texts[1:]
    application = call.environ["FLASK_APP"].value if "FLASK_APP" in call.environ else ""
    settings: dict[str, Given[object] | Unknown] = {}
    commands = []
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in _WITH_VALUE:
            value = value if equals else (words.pop(0) if words else "")
            if name in ("-A", "--app"):
                application = value
            elif name in ("-h", "--host"):
                settings["bind"] = Given(value, call.at)
        elif word == "--debug":
            settings["debug"] = Given(value=True, at=call.at)
        elif not word.startswith("-"):
            commands.append(word)
    if commands[:1] != ["run"]:
        return NotWeb(" ".join(["flask", *commands[:1]]))
    return Server(
        name="werkzeug",
        at=call.at,
        application=application,
        settings=settings,
        is_development=True,
        words=tuple(call.texts),
    )
