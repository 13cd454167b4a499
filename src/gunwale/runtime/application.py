"""Finding the application by its name, for servers that leave that to us."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class ApplicationNameError(ImportError):
    """What is wrong with the name of an application, in one line: nobody needs a traceback for it."""


def load(name: str) -> WSGIApplication:
    """Import "module:variable", "module:factory()" or "module:factory('literal', key=1)".

    What the user's own module raises comes through as it is; ApplicationNameError tells what of the name
    itself is wrong.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module_name, _, expression = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if told := not_found(name, error):
            raise ApplicationNameError(told) from error
        raise
    try:
        node = ast.parse(expression or "application", mode="eval").body
        called = node if isinstance(node, ast.Call) else None
        found = _attribute(module, called.func if called else node)
        arguments = [ast.literal_eval(each) for each in called.args] if called else []
        named = called.keywords if called else []
        keywords = {str(each.arg): ast.literal_eval(each.value) for each in named}
    except (SyntaxError, ValueError) as error:
        expected = "a variable, or a factory with literal arguments"
        raise ApplicationNameError(f"{name!r}: after the colon should be {expected}") from error
    if called is not None:
        found = found(*arguments, **keywords)
    if not callable(found):
        raise ApplicationNameError(f"{name!r} is {found!r}, not a WSGI application")
    application: WSGIApplication = found
    return application


def not_found(name: str, error: ModuleNotFoundError) -> str:
    """Say that the module *name* begins with is not there; "" where something is missing that it imports."""
    module = name.partition(":")[0]
    if not error.name or not f"{module}.".startswith(f"{error.name}."):
        return ""
    places = f"{Path.cwd()} and the packages of {sys.executable}"
    return f"No module named {error.name!r}, where the application {name!r} is to be: looked in {places}"


def _attribute(found: Any, node: ast.expr) -> Any:
    if isinstance(node, ast.Attribute):
        return _attribute_of(_attribute(found, node.value), node.attr)
    if isinstance(node, ast.Name):
        return _attribute_of(found, node.id)
    raise ValueError(ast.dump(node))


def _attribute_of(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        where = getattr(owner, "__name__", type(owner).__name__)
        raise ApplicationNameError(f"{where!r} has no {name!r}") from None
