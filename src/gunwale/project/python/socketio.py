"""Flask-SocketIO: which server `socketio.run(app)` is, by what is installed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.project.python.modules import find_owner
from gunwale.project.readers.requirements import Requirements

if TYPE_CHECKING:
    from gunwale.project.model import Project
    from gunwale.project.readers.python import Call, PythonFile

_CLASS = "flask_socketio.SocketIO"
# Flask-SocketIO takes the first that can be imported; without either it runs Werkzeug's server.
_SERVERS = ("eventlet", "gevent")


def socketio_runs(project: Project, file: PythonFile) -> list[Call]:
    """Return the calls of *file* that run an application by Flask-SocketIO."""
    calls = [call for call in file.calls if call.name.endswith(".run")]
    return [call for call in calls if _made(project, file, call.name.removesuffix(".run")) is not None]


def serving(project: Project, file: PythonFile, call: Call) -> str:
    """Return the name of the server that *call*, one of `socketio_runs`, starts: "werkzeug" for threads."""
    made = _made(project, file, call.name.removesuffix(".run"))
    given = next((each.value for each in made.keywords if each.arg == "async_mode"), None) if made else None
    if isinstance(given, ast.Constant) and given.value is not None:
        return str(given.value) if given.value in _SERVERS else "werkzeug"
    required = {each.name for read in project.of(Requirements) for each in read.requirements}
    return next((name for name in _SERVERS if name in required), "werkzeug")


def _made(project: Project, file: PythonFile, name: str) -> ast.Call | None:
    """Return the call that makes the SocketIO object that *name* means in *file*."""
    found = file.assigned.get(name)
    home = file
    if found is None and "." in name:
        owner = find_owner(project, name, file.path)
        if owner is not None:
            home, found = owner[0], owner[0].assigned.get(owner[1])
    is_one = isinstance(found, ast.Call) and home.name(found.func) == _CLASS
    return found if is_one and isinstance(found, ast.Call) else None
