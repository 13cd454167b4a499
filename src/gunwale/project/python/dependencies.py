"""Views that ask a database or another service, and what they answer where that fails."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunwale.project.python.routes import Route

_ASKING = re.compile(
    r"(?:^|\.)(?:session|engine|db|conn|connection|cursor|cur|redis\w*|cache|mongo\w*|client)\."
    r"(?:execute|scalar|scalars|query|ping|connect|raw_connection|command|server_info|session\.execute)$|"
    r"(?:psycopg2?|pymysql|MySQLdb|mysql\.connector|asyncpg|cx_Oracle|pyodbc)\.connect$"
)
# What a return may be that carries no status of its own.
_WITHOUT_STATUS = (ast.Constant, ast.Dict, ast.List, ast.JoinedStr)


def dependency(route: Route) -> ast.Call | None:
    """Return the call by which *route* asks a database or another service, itself or one function on."""
    pending, seen = [route.function], set()
    while pending:
        function = pending.pop()
        if function is None or function.name in seen:
            continue
        seen.add(function.name)
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                name = route.file.name(node.func)
                if _ASKING.search(name):
                    return node
                pending.append(route.file.functions.get(name) if len(seen) == 1 else None)
    return None


def hidden_failure(route: Route) -> ast.expr | None:
    """Return what *route* answers without a status, which is 200, where a dependency has failed."""
    call = dependency(route)
    for tried in ast.walk(route.function) if route.function is not None and call is not None else ():
        if not isinstance(tried, ast.Try) or not any(call is each for each in ast.walk(tried)):
            continue
        for handler in tried.handlers:
            last = handler.body[-1]
            value = last.value if isinstance(last, ast.Return) else None
            is_json = isinstance(value, ast.Call) and route.file.name(value.func) == "flask.jsonify"
            is_alone = not any(isinstance(each, ast.Raise) for each in handler.body)
            if value is not None and is_alone and (isinstance(value, _WITHOUT_STATUS) or is_json):
                return value
    return None
