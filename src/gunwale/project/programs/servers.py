"""Servers that are told all on the command line: Waitress, Uvicorn, Hypercorn, Granian, mod_wsgi."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Unknown
from gunwale.project.start import Server

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path

_SERVERS = {
    "waitress-serve": "waitress",
    "waitress": "waitress",
    "uvicorn": "uvicorn",
    "hypercorn": "hypercorn",
    "granian": "granian",
    "daphne": "daphne",
    "mod_wsgi-express": "mod_wsgi",
}
NAMES = tuple(_SERVERS)
_OURS = {"workers": "workers", "w": "workers", "threads": "threads", "bind": "bind", "b": "bind"}
_OURS |= {"listen": "bind", "processes": "workers", "host": "host", "port": "port", "p": "port"}
_SWITCHES = ("reload", "call", "no-access-log", "proxy-headers", "access-log", "factory", "start-server")


def follow(call: Call, path: Path) -> Server:  # noqa: ARG001 - a program's signature
    """Read the application and the options that facts are made of."""
    words = [word for word in call.words[1:] if word.value != "start-server"]
    settings: dict[str, Given[object] | Unknown] = {}
    application = ""
    while words:
        word = words.pop(0)
        name, equals, value = word.value.lstrip("-").partition("=")
        if not word.value.startswith("-"):
            application = application or word.value
            continue
        if not equals and name not in _SWITCHES and words and not words[0].value.startswith("-"):
            value = words.pop(0).value
        if name in _OURS:
            settings[_OURS[name]] = Unknown("a variable") if "$" in value else Given(value, word.at)
    if "WEB_CONCURRENCY" in call.environ and "workers" not in settings:
        settings["workers"] = call.environ["WEB_CONCURRENCY"]
    name = _SERVERS[call.program]
    return Server(name=name, at=call.at, application=application, settings=settings, words=tuple(call.texts))
