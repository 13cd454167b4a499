"""SECRET_KEY is made anew in every process.

Each worker signs with a key of its own, so a session that one made the next refuses, and every restart signs
everybody out: it looks like random logouts, under load only.

## Example: at import

Flagged at `app.py:6`.

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.secret_key = os.urandom(24)
```

## Example: where the variable is missing

Flagged at `config.py:6`.

```python config.py
import os
import secrets


class Config:
    SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_hex(32)
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```

## Example: by way of a settings class

Flagged at `settings.py:5`.

```python settings.py
import secrets


class Settings:
    APP_KEY = secrets.token_urlsafe(32)
```

```python app.py
from flask import Flask
from settings import Settings

app = Flask(__name__)
app.secret_key = Settings.APP_KEY
```

## Use instead: one key for all, from outside

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
```

## Use instead: the service sets the variable

```python app.py
import os
import secrets

from flask import Flask

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", secrets.token_hex())
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
      SECRET_KEY: ${SECRET_KEY:?}
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.configuration import is_set_by_all, named
from gunwale.project.python.modules import find_owner
from gunwale.project.python.values import variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.python import PythonFile

RULE = About(Topic.CAPACITY, Severity.ERROR)
_DEEPEST = 4
_MAKING = (
    "os.urandom",
    "secrets.token_hex",
    "secrets.token_bytes",
    "secrets.token_urlsafe",
    "uuid.uuid4",
    "uuid.uuid1",
    "random.random",
    "random.randint",
    "cryptography.fernet.Fernet.generate_key",
    "Crypto.Random.get_random_bytes",
)


def check(project: Project) -> Iterator[Finding]:
    """Follow what SECRET_KEY is set to, to a call that makes a new value each time."""
    for setting in named(project, "SECRET_KEY"):
        found = _made(project, setting.file, setting.node, 0)
        if found is None:
            continue
        file, call = found
        asked = list(variables(project, setting.file, setting.node))
        if is_set_by_all(project, asked):
            continue
        at, here = file.at(call), setting.file.at(setting.node)
        yield Finding(
            at=at,
            message="SECRET_KEY is made anew in every process: workers refuse each other's sessions",
            hint='make one, keep it outside, and read os.environ["SECRET_KEY"]',
            because=(Because(here, "set here"),) if here.line != at.line or here.path != at.path else (),
            confidence=Confidence.LIKELY if asked else None,
        )


def _made(
    project: Project, file: PythonFile, node: ast.expr, depth: int
) -> tuple[PythonFile, ast.expr] | None:
    if depth > _DEEPEST:
        return None
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and file.name(each.func) in _MAKING:
            return file, each
    for each in ast.walk(node):
        if not isinstance(each, ast.Name | ast.Attribute):
            continue
        name = file.name(each)
        if name in file.assigned:
            return _made(project, file, file.assigned[name], depth + 1)
        owner = find_owner(project, name, file.path) if "." in name else None
        given = _given(*owner) if owner is not None else None
        if owner is not None and given is not None:
            return _made(project, owner[0], given, depth + 1)
    return None


def _given(file: PythonFile, name: str) -> ast.expr | None:
    """Return what a top-level name, or an attribute of a class, is set to."""
    if name in file.assigned:
        return file.assigned[name]
    class_, _, attribute = name.rpartition(".")
    for each in file.classes[class_].body if class_ in file.classes else ():
        if isinstance(each, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == attribute for target in each.targets
        ):
            return each.value
    return None
