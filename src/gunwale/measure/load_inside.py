"""What only the application can tell, asked in a process that imports it as serve would.

``python -m gunwale.measure.load_inside QUESTION APP […]`` answers with JSON on its stdout.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.errors import Problem, StartError
from gunwale.measure.load_mix import EXPECTED, ROUTES, Mix
from gunwale.measure.load_profile import Ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flask import Flask
    from werkzeug.routing import Rule

_TIMEOUT = 60.0  # seconds
_TAIL = 12  # lines of what the application said when it did not import


def routes(app: str, *, directory: Path, env: Mapping[str, str] | None = None) -> Mix:
    """Return a request for each route that answers GET and needs no argument. Raises StartError."""
    answer = ask(["routes", app], where=app, directory=directory, env=env)
    asks = tuple(Ask(path=path, expect=EXPECTED) for path in answer["paths"])
    notes = tuple(f"left out: {what} ({count})" for what, count in answer["left_out"].items() if count)
    return Mix(asks=asks, source=f"{ROUTES} of {app}", notes=notes)


def ask(words: Sequence[str], *, where: str, directory: Path, env: Mapping[str, str] | None = None) -> Any:
    """Ask an application in *directory*, and return its answer. Raises StartError with what it said."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "gunwale.measure.load_inside", *words],
            cwd=directory,
            env=None if env is None else {**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        message = f"did not answer in {_TIMEOUT:g} s"
        raise StartError(Problem(where=where, message=message)) from error
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-_TAIL:])
        raise StartError(Problem(where=where, message=f"cannot be asked for its {words[0]}", hint=tail))
    return json.loads(done.stdout)


def main() -> int:
    """Answer one question."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout:
        os.dup2(2, 1)  # an application may print as it is imported
        question, app, *rest = sys.argv[1:]
        json.dump(_routes(app) if question == "routes" else _ids(app, *rest), stdout)
    return 0


def _load(name: str) -> Any:
    from gunwale.runtime.application import load

    return load(name)


def _routes(name: str) -> dict[str, object]:
    from gunwale.runtime.flask_object import find_flask

    app = find_flask(_load(name))
    if app is None:
        sys.exit(f"{name}: is no Flask application, and has no url_map")
    left_out = {"routes that answer no GET": 0, "routes with an argument": 0, "routes of another host": 0}
    paths = []
    for rule in app.url_map.iter_rules():
        if rule.build_only or rule.websocket:
            continue
        if "GET" not in (rule.methods or ()):
            left_out["routes that answer no GET"] += 1
        elif rule.host or rule.subdomain:
            left_out["routes of another host"] += 1
        elif path := _path(rule):
            paths.append(path)
        else:
            left_out["routes with an argument"] += 1
    return {"paths": sorted(set(paths)), "left_out": left_out}


def _path(rule: Rule) -> str:
    """Return where a rule without required arguments is, "" for one that has some."""
    if rule.arguments - set(rule.defaults or {}):
        return ""
    built = rule.build(dict(rule.defaults or {}))
    return "" if built is None else str(built[1])


def _ids(name: str, way: str, value: str, database: str = "") -> list[str]:
    from gunwale.runtime.flask_object import find_flask

    sys.path.insert(0, str(Path.cwd()))
    with contextlib.ExitStack() as stack:
        app = find_flask(_load(name)) if name else None
        if app is not None:
            stack.enter_context(app.app_context())
        if way == "callable":
            return [str(each) for each in _called(value)]
        return [str(each) for each in _selected(value, database, app)]


def _called(name: str) -> Any:
    import importlib

    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)()


def _selected(sql: str, database: str, app: Flask | None) -> Iterator[object]:
    if database.startswith("sqlite:///"):
        import sqlite3

        path = database.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as lite:
            yield from (row[0] for row in lite.execute(sql))
        return
    try:
        import sqlalchemy
    except ImportError:
        sys.exit(f"{database or 'the own database'}: needs SQLAlchemy where the application is installed")
    own = app.extensions.get("sqlalchemy") if app is not None else None
    if not database and own is None:
        sys.exit('the application has no Flask-SQLAlchemy: say which database = "…" is meant')
    engine = sqlalchemy.create_engine(database) if database or own is None else own.engine
    with engine.connect() as connection:
        yield from connection.execute(sqlalchemy.text(sql)).scalars()


if __name__ == "__main__":
    sys.exit(main())
