"""Python: `python x.py`, `python -m module`, and console scripts, to what the code itself starts."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Unknown
from gunwale.project.python.applications import runs_in
from gunwale.project.python.command_words import command_words
from gunwale.project.python.modules import find, find_owner
from gunwale.project.python.socketio import serving, socketio_runs
from gunwale.project.python.values import text, value
from gunwale.project.readers.python import Call as PythonCall
from gunwale.project.readers.python import PythonFile
from gunwale.project.start import Kind, NotWeb, Server, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.follow import Call, Path
    from gunwale.project.start import Outcome

NAMES = ("python",)
_DEEPEST = 4
_AND_MODULE = re.compile(r"-[a-zA-Z]+m")
# What starts a server from Python: the dotted name, and the server's name.
_SERVERS = {
    "gevent.pywsgi.WSGIServer": "gevent",
    "waitress.serve": "waitress",
    "cheroot.wsgi.Server": "cheroot",
    "cheroot.wsgi.WSGIServer": "cheroot",
    "eventlet.wsgi.server": "eventlet",
    "bjoern.run": "bjoern",
    "uvicorn.run": "uvicorn",
    "hypercorn.asyncio.serve": "hypercorn",
    "meinheld.server.run": "meinheld",
    "tornado.wsgi.WSGIContainer": "tornado",
    "gunicorn.app.wsgiapp.run": "gunicorn",
}
_PROCESSES = {
    "os.system": False,
    "subprocess.run": False,
    "subprocess.call": False,
    "subprocess.check_call": False,
    "subprocess.Popen": False,
    "os.execv": True,
    "os.execvp": True,
    "os.execvpe": True,
    "os.execlp": True,
    "os.execl": True,
}


def follow(call: Call, path: Path) -> Outcome:
    """Follow a file, a module, or a console script's function."""
    words = list(call.words[1:])
    if words and _AND_MODULE.fullmatch(words[0].value):  # -um is -u and -m
        words[0] = Given("-m", words[0].at)
    while words and words[0].value.startswith("-") and words[0].value not in ("-m", "-c"):
        flag = words.pop(0).value
        if flag in ("-W", "-X") and words:
            words.pop(0)
    if not words:
        return NotWeb("python")
    if words[0].value == "-c":
        return _console(call, path, words[1].value if len(words) > 1 else "")
    if words[0].value == "-m":
        return _module(call, path, tuple(words[1:]))
    found = path.find_file(words[0].value)
    file = path.project.one(PythonFile, found) if found else None
    if file is None:
        return Unknown(f"{words[0].value} is not in the project, or cannot be read")
    return _file(call, path, file, tuple(words[1:]))


def _console(call: Call, path: Path, code: str) -> Outcome:
    if not code.startswith("entry:"):
        return Unknown("python -c is not followed")
    module, _, function = code.removeprefix("entry:").partition(":")
    file = find(path.project, module, call.at.path)
    return _file(call, path, file, (), function) if file else Unknown(f"no module {module}")


def _module(call: Call, path: Path, words: tuple[Given[str], ...]) -> Outcome:
    if not words:
        return Unknown("python -m without a module")
    name = words[0].value
    file = find(path.project, f"{name}.__main__", call.at.path) or find(path.project, name, call.at.path)
    if file is not None:
        return _file(call, path, file, words[1:])
    return path.follow(call.with_words((Given(name.partition(".")[0], words[0].at), *words[1:])))


def _file(
    call: Call, path: Path, file: PythonFile, arguments: tuple[Given[str], ...], function: str = ""
) -> Outcome:
    best: tuple[Outcome, Path] | None = None
    for where, each in _reached(path, file, function):
        trial = path.branch()
        found = _started(call, trial, where, each, arguments)
        if found is not None and (best is None or _rank(found) > _rank(best[0])):
            best = (found, trial)
    if best is None:
        return NotWeb(f"python {file.path}")
    path.take(best[1])
    return best[0]


def _rank(outcome: Outcome) -> int:
    if isinstance(outcome, Server):
        return 2 if outcome.is_development else 3
    return 1


def _reached(path: Path, file: PythonFile, function: str = "") -> Iterator[tuple[PythonFile, PythonCall]]:
    """Yield the calls that run when *file* is run: its top level, and the functions called from there."""
    pending, seen = [(file, function, 0)], set()
    while pending:
        here, scope, depth = pending.pop(0)
        if (here.path, scope) in seen or depth > _DEEPEST:
            continue
        seen.add((here.path, scope))
        for each in here.calls:
            if ".".join(each.scope) != scope or (each.is_main and (here is not file or function)):
                continue
            yield here, each
            if each.name in here.functions:
                pending.append((here, each.name, depth + 1))
            elif "." in each.name:
                owner = find_owner(path.project, each.name, here.path)
                if owner is not None and owner[1] in owner[0].functions:
                    pending.append((owner[0], owner[1], depth + 1))


def _started(
    call: Call, path: Path, file: PythonFile, each: PythonCall, arguments: tuple[Given[str], ...]
) -> Outcome | None:
    """Return what one call starts, if it starts anything."""
    step = Step(each.at, ast.unparse(each.node)[:80])
    if each.name in _SERVERS:
        path.steps.append(step)
        node = each.node.args[0] if each.node.args else None
        bind = text(path.project, file, node) if node is not None else None
        settings: dict[str, Given[object] | Unknown] = {"bind": Given(bind, each.at)} if bind else {}
        return Server(name=_SERVERS[each.name], at=each.at, settings=settings, words=tuple(call.texts))
    if each in socketio_runs(path.project, file):
        name = serving(path.project, file, each)
        if name != "werkzeug":
            path.steps.append(step)
            return Server(name=name, at=each.at, application=file.path, words=tuple(call.texts))
    if each in runs_in(path.project, file) or _is_script_run(each, arguments):
        path.steps.append(step)
        return _werkzeug(path, file, each)
    if each.name in _PROCESSES:
        words = command_words(path.project, file, each)
        if words:
            if not _PROCESSES[each.name]:
                path.stays(f"python {file.path}", each.at, kind=Kind.CODE)
            return path.follow(call.with_words(words))
    return None


def _is_script_run(each: PythonCall, arguments: tuple[Given[str], ...]) -> bool:
    """Whether this is Flask-Script's manager, or Flask's own command line, told to run the server."""
    is_told = [word.value for word in arguments[:1]] in (["runserver"], ["run"])
    is_manager = each.name.endswith((".run", "()")) or each.name in ("cli", "flask.cli.main")
    return is_told and (is_manager or each.name.endswith("cli"))


def _werkzeug(path: Path, file: PythonFile, each: PythonCall) -> Server:
    settings: dict[str, Given[object] | Unknown] = {}
    for name, position, ours in (("host", 0, "bind"), ("debug", 2, "debug")):
        node = each.argument(name, position)
        if node is not None:
            settings[ours] = value(path.project, file, node)
    return Server(name="werkzeug", at=each.at, application=file.path, settings=settings, is_development=True)
