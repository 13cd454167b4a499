"""uWSGI: its command line and the .ini it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Place, Unknown
from gunwale.project.readers.uwsgi_ini import UwsgiIni
from gunwale.project.start import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.follow import Call, Path

NAMES = ("uwsgi", "uwsgi-core", "pyuwsgi")
_SHORT = {"p": "processes", "w": "module", "M": "master", "s": "socket", "H": "home", "T": "enable-threads"}
# By Gunicorn's names; what has none keeps its own.
_OURS = {
    "processes": "workers",
    "workers": "workers",
    "threads": "threads",
    "http": "bind",
    "http-socket": "bind",
    "https": "bind",
    "socket": "bind",
    "uid": "user",
    "harakiri": "timeout",
    "chdir": "chdir",
    "pythonpath": "pythonpath",
}
_SWITCHES = ("master", "enable-threads", "die-on-term", "vacuum", "need-app", "lazy-apps", "disable-logging")
_KEEP = ("die-on-term", "master", "disable-logging", "enable-threads", "hook-master-start")
_ADDRESS = re.compile(r"[\w.\[\]*]*:\d+")


def follow(call: Call, path: Path) -> Server:
    """Put its settings together: the file's, and the command line's over them."""
    words = [*call.words[1:]]
    line = dict(_options([word.value for word in words]))
    settings: dict[str, Given[object] | Unknown] = {"accesslog": Given("-", call.at)}
    application = ""
    given: dict[str, Given[str]] = {}
    name = line.pop("ini", "")
    found = path.find_file(name) if name else None
    config = path.project.one(UwsgiIni, found) if found else None
    if config is not None and found is not None:
        settings["ini"] = Given(found, Place(found, 1))
        given |= {key: value for key, value in config.section.entries if value.value}
    elif name:
        path.project.leave_unchecked("server", f"{call.at}: uWSGI's {name} is not in the project")
        settings["workers"] = Unknown(f"{name} is not in the project")
    given |= {key: Given(value, call.at) for key, value in line.items()}
    for key, value in given.items():
        if key in _OURS and (_OURS[key] != "bind" or _ADDRESS.search(value.value)):
            is_unknown = "$" in value.value or "%(" in value.value
            settings[_OURS[key]] = Unknown(f"{key} is a variable") if is_unknown else value
        elif key in _KEEP:
            settings[key] = value
    application = _application(given)
    if str(given["disable-logging"].value if "disable-logging" in given else "").lower() in ("true", "1"):
        settings["accesslog"] = Given("", given["disable-logging"].at)
    return Server(
        name="uwsgi", at=call.at, application=application, settings=settings, words=tuple(call.texts)
    )


def _application(given: Mapping[str, Given[str]]) -> str:
    module = next((given[key].value for key in ("module", "wsgi", "wsgi-file", "mount") if key in given), "")
    called = given["callable"].value if "callable" in given else ""
    return f"{module}:{called}" if called and ":" not in module else module


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            if word.endswith(".ini"):
                yield "ini", word
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = _SHORT.get(name, name)
        if equals:
            yield name, value
        elif name in _SWITCHES or not rest or rest[0].startswith("-"):
            yield name, "true"
        else:
            yield name, rest.pop(0)
