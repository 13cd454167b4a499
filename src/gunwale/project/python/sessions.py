"""Whether visitors are given a session cookie, and where the code says so."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

# What signs somebody in; what keeps a token or a message in the session besides.
_LOGINS = (
    "flask_login.LoginManager",
    "flask_login.login_user",
    "flask_session.Session",
    "flask_security.Security",
    "flask_security.login_user",
    "flask_dance.",
    "flask_user.UserManager",
    "flask_openid.OpenID",
    "flask_oidc.OpenIDConnect",
    "flask_simplelogin.SimpleLogin",
    "flask_appbuilder.AppBuilder",
    "authlib.integrations.flask_client.OAuth",
)
_BESIDES = ("flask.flash", "flask_wtf.CSRFProtect", "flask_wtf.csrf.CSRFProtect", "flask_wtf.CsrfProtect")


class SessionUse(NamedTuple):
    """One use of the session: where, *what* it is, and whether somebody is signed in by it."""

    at: Place
    what: str
    is_login: bool


def session_use(project: Project) -> SessionUse | None:
    """Return the strongest sign that production code uses sessions, or None."""
    found = [
        use
        for file in project.of(PythonFile)
        if role(file.path) is not Role.DEVELOPMENT
        for use in _uses(file)
    ]
    return min(found, key=lambda use: (not use.is_login, use.at), default=None)


def _uses(file: PythonFile) -> Iterator[SessionUse]:
    for call in file.calls:
        if call.name.startswith(_LOGINS):
            yield SessionUse(call.at, call.name.replace("()", ""), is_login=True)
        elif call.name in _BESIDES:
            yield SessionUse(call.at, call.name, is_login=False)
    if "flask.session" in file.imports.values() or file.imports.get("flask") == "flask":
        for node in file.nodes:
            owner = node.value if isinstance(node, ast.Subscript | ast.Attribute) else None
            if owner is not None and file.name(owner) == "flask.session":
                yield SessionUse(file.at(node), "flask.session", is_login=True)
                return
