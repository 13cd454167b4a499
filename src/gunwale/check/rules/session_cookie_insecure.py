"""The session cookie is sent over plain HTTP too.

Without SESSION_COOKIE_SECURE a browser sends the session with every request to http://, a mistyped address
or an image included, and who sees it there is signed in as that visitor.

## Example: a login, and nothing about the cookie

Flagged at `config.py:5`.

```python config.py
import os


class Config:
    SECRET_KEY = os.environ["SECRET_KEY"]
```

```python app.py
from flask import Flask
from flask_login import LoginManager

app = Flask(__name__)
app.config.from_object("config.Config")
login = LoginManager(app)
```

## Example: set in a class that the service does not select

Flagged at `config.py:5`.

```python config.py
import os


class Config:
    SECRET_KEY = os.environ["SECRET_KEY"]


class ProductionConfig(Config):
    SESSION_COOKIE_SECURE = True
```

```python app.py
import os

from flask import Flask, session

app = Flask(__name__)
app.config.from_object("config." + os.environ.get("SETTINGS", "Config"))


@app.route("/")
def index():
    session["seen"] = True
    return ""
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      SETTINGS: Config
```

## Use instead: secure, in what production selects

```python config.py
import os


class Config:
    SECRET_KEY = os.environ["SECRET_KEY"]


class ProductionConfig(Config):
    SESSION_COOKIE_SECURE = True
```

```python app.py
import os

from flask import Flask, session

app = Flask(__name__)
app.config.from_object("config." + os.environ.get("SETTINGS", "ProductionConfig"))


@app.route("/")
def index():
    session["seen"] = True
    return ""
```

## Use instead: worked out when it starts

```python app.py
from flask import Flask, session

app = Flask(__name__)
app.secret_key = open("/run/secrets/key").read()
app.config["SESSION_COOKIE_SECURE"] = app.config["PREFERRED_URL_SCHEME"] == "https"


@app.route("/")
def index():
    session["seen"] = True
    return ""
```

## Use instead: nobody has a session

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: Flask-Talisman sets it

```python app.py
from flask import Flask, session
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app)


@app.route("/")
def index():
    session["seen"] = True
    return ""
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.applications import applications
from gunwale.project.python.configuration import is_prefixed_env, named, settings
from gunwale.project.python.sessions import session_use
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.COOKIE_SECURE, Severity.ERROR)
_NAME = "SESSION_COOKIE_SECURE"
_SETTERS = ("flask_talisman.Talisman", "flask_talisman.talisman.Talisman")


def check(project: Project) -> Iterator[Finding]:
    """Join the use of sessions with every value the shipped environment may give the setting."""
    use = project.derive(session_use)
    made = project.derive(applications)
    if use is None or not made or _is_set_elsewhere(project):
        return
    given = named(project, _NAME)
    if any(not isinstance(each.value, Given) or each.value.value for each in given):
        return
    is_choice = is_prefixed_env(project) or any(
        isinstance(each.value, Given) and each.value.variables for each in given
    )
    is_default = is_choice or not use.is_login
    yield Finding(
        at=given[0].at if given else _beside(project) or made[0].at,
        message=f"{_NAME} is {'off' if given else 'not set'}: the session goes over plain HTTP too",
        hint="set SESSION_COOKIE_SECURE = True in the configuration that production selects",
        because=(Because(use.at, f"{use.what} keeps a session"), Because(made[0].at, "of this application")),
        confidence=Confidence.DEFAULT if is_default else None,
    )


def _beside(project: Project) -> Place | None:
    """Return where the session's other settings stand."""
    for prefix in ("SESSION_COOKIE_", "SECRET_KEY", "SESSION_", "PERMANENT_SESSION_"):
        for each in project.derive(settings):
            if each.name.startswith(prefix):
                return each.file.at(each.node)
    return None


def _is_set_elsewhere(project: Project) -> bool:
    """Whether it is set in a way that is not followed, so that its value is not known."""
    for start in project.derive(web_starts):
        if f"FLASK_{_NAME}" in start.environ:
            return True
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        if any(call.name in _SETTERS for call in file.calls):
            return True
        if _NAME in file.source.text and any(_stores(node) for node in file.nodes):
            return True
    return False


def _stores(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        first = [each for each in node.args if isinstance(each, ast.Constant) and each.value == _NAME]
        return name in ("setattr", "setdefault") and bool(first)
    if isinstance(node, ast.Assign):
        value = node.value
        is_off = isinstance(value, ast.Constant) and not value.value
        return not is_off and any(
            isinstance(each, ast.Subscript)
            and isinstance(each.slice, ast.Constant)
            and each.slice.value == _NAME
            for each in node.targets
        )
    return False
