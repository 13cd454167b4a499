"""A cookie that signs somebody in is sent over plain HTTP too.

`set_cookie` sets neither Secure nor HttpOnly by itself: a browser sends the token with every request to
http://, and who sees it there is signed in.

## Example: a token

Flagged at `app.py:9`.

```python app.py
from flask import Flask, make_response

app = Flask(__name__)


@app.post("/login")
def login():
    response = make_response("")
    response.set_cookie("access_token", "…", httponly=True)
    return response
```

## Use instead: secure

```python app.py
from flask import Flask, make_response

app = Flask(__name__)


@app.post("/login")
def login():
    response = make_response("")
    response.set_cookie("access_token", "…", secure=True, httponly=True, samesite="Lax")
    response.set_cookie("auth", "…", secure=app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie("auth", "…", **app.config["COOKIE"])
    return response
```

## Use instead: nothing to steal

```python app.py
from flask import Flask, make_response

app = Flask(__name__)


@app.post("/theme")
def theme():
    response = make_response("")
    response.set_cookie("theme", "dark")
    response.set_cookie("session", "", expires=0)
    return response
```
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.applications import applications
from gunwale.project.python.values import text
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.COOKIE_SECURE, Severity.WARNING, Confidence.LIKELY)
_SIGNING_IN = re.compile(r"(?!.*[cx]srf)(?:.*[_-])?(?:auth|token|jwt|session|session_?id|sid)", re.IGNORECASE)
_SECURE, _DELETING = 5, ("expires", "max_age")


def check(project: Project) -> Iterator[Finding]:
    """Look at every set_cookie() by the name of the cookie; one that is deleted has nothing to lose."""
    if not project.derive(applications):
        return
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            name = text(project, file, call.argument("key", 0)) if call.name.endswith(".set_cookie") else None
            if not name or not _SIGNING_IN.fullmatch(name):
                continue
            is_spread = any(each.arg is None for each in call.node.keywords)
            given = [call.argument("value", 1), *(call.argument(each) for each in _DELETING)]
            is_deleted = any(
                isinstance(each, ast.Constant) and not each.value for each in given if each is not None
            )
            secure = call.argument("secure", _SECURE)
            is_off = secure is None or (isinstance(secure, ast.Constant) and not secure.value)
            if is_off and not is_spread and not is_deleted:
                yield Finding(
                    at=call.at,
                    message=f"the cookie {name!r} is sent over plain HTTP too",
                    hint='add secure=True, httponly=True, samesite="Lax"',
                )
