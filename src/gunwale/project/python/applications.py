"""The Flask applications of the project, and where each is run by itself."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.python.modules import find_owner
from gunwale.project.python.socketio import serving, socketio_runs
from gunwale.project.readers.python import Call, PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project


# Flask's class, and those that well-known packages make of it.
_FLASK = (
    "flask.Flask",
    "flask.app.Flask",
    "flask_api.FlaskAPI",
    "flask_api.app.FlaskAPI",
    "apiflask.APIFlask",
    "flask_openapi3.OpenAPI",
    "eve.Eve",
)
_SERVING = ("werkzeug.serving.run_simple", "werkzeug.run_simple")


class Application(NamedTuple):
    """A Flask object: its variable's *name* ("" where it has none), the *factory* that makes it or ""."""

    file: PythonFile
    name: str
    factory: str
    at: Place
    call: Call


def applications(project: Project) -> tuple[Application, ...]:
    """Return every Flask object that production code makes, by place."""
    found = []
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        made = [call for call in file.calls if _is_flask(project, file, call.name)]
        names = _assigned(file) if made else {}
        found += [
            Application(file, names.get(id(call.node), ""), ".".join(call.scope), call.at, call)
            for call in made
        ]
    return tuple(found)


def runs(project: Project) -> tuple[Call, ...]:
    """Return every call that starts Werkzeug's server, wherever it stands."""
    return tuple(call for file in project.of(PythonFile) for call in runs_in(project, file))


def runs_in(project: Project, file: PythonFile) -> list[Call]:
    """Return the calls of *file* that start Werkzeug's server: app.run(), run_simple(), socketio.run()."""
    sockets = [each for each in socketio_runs(project, file) if serving(project, file, each) == "werkzeug"]
    return [*_runs_in(project, file), *sockets]


def _runs_in(project: Project, file: PythonFile) -> list[Call]:
    calls = [call for call in file.calls if call.name in _SERVING or call.name.endswith(".run")]
    names = _application_names(project, file) if calls else set()
    return [call for call in calls if call.name in _SERVING or call.name.removesuffix(".run") in names]


def _application_names(project: Project, file: PythonFile) -> set[str]:
    """Return what a Flask object, or a call that makes one, is named in *file*."""
    made = project.derive(applications)
    names = set()
    for each in made:
        if each.file is file and each.name:
            names.add(each.name)
        last = (each.name or "") if not each.factory else each.factory
        local = {key for key, value in file.imports.items() if last and value.rpartition(".")[2] == last}
        names |= {file.imports[key] for key in local}
        names |= {f"{file.imports[key]}()" for key in local} | ({f"{last}()"} if each.file is file else set())
    makers = {name.removesuffix("()") for name in names if name.endswith("()")}
    for node in file.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = file.name(node.value.func)
            if called in makers or called.rpartition(".")[2] in ("create_app", "make_app"):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names | {"flask.Flask()"}


def _is_flask(project: Project, file: PythonFile, name: str) -> bool:
    """Whether *name*, called in *file*, is Flask or a class of the project made of it."""
    if name in _FLASK:
        return True
    subclasses = project.derive(_subclasses)
    if (file.path, name) in subclasses:
        return True
    if "." not in name or name.rpartition(".")[2] not in {class_ for _, class_ in subclasses}:
        return False
    owner = find_owner(project, name, file.path)
    return owner is not None and (owner[0].path, owner[1]) in subclasses


def _subclasses(project: Project) -> set[tuple[str, str]]:
    """Return the path and name of every class that is made of Flask itself."""
    return {
        (file.path, name)
        for file in project.of(PythonFile)
        for name, node in file.classes.items()
        if any(file.name(base) in _FLASK for base in node.bases)
    }


def _assigned(file: PythonFile) -> dict[int, str]:
    """Return the names that calls are assigned to, by the call's identity."""
    names = {}
    for node in file.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    names[id(node.value)] = target.id
                elif isinstance(target, ast.Attribute):
                    names[id(node.value)] = ast.unparse(target)
    return names
