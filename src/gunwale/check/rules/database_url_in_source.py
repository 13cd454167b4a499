"""A URL with its password is written in the source.

The password of the database lies in the repository and in every image; and where the variable with the real
one is forgotten, production connects with this one, or to that other database.

## Example: in the configuration

Flagged at `config.py:2`.

```python config.py
class Config:
    SQLALCHEMY_DATABASE_URI = "postgresql://shop:hunter2@db:5432/shop"
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```

## Example: a fallback

Flagged at `app.py:6`.

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("DATABASE_URL", "postgresql://shop:hunter2@db/shop")
```

## Example: given to an engine

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from sqlalchemy import create_engine

app = Flask(__name__)
engine = create_engine("mysql+pymysql://shop:hunter2@db/shop")
```

## Use instead: required

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
```

## Use instead: a developer's own database where nothing is set

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("DATABASE_URL", "postgresql://shop:shop@localhost/shop")
```

## Use instead: the service sets the variable

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.getenv("DATABASE_URL", "postgresql://shop:hunter2@db/shop")
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
      DATABASE_URL: ${DATABASE_URL:?}
```

## Use instead: no password, or nothing to connect to

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shop.db"
app.config["REDIS_URL"] = "redis://redis:6379/0"
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.configuration import is_overridden, settings
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.secrets import credentials, is_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place, Unknown
    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)
_CONNECTING = re.compile(
    r"(?:.*\.)?(?:create_engine|create_async_engine|connect|MongoClient|from_url|Celery)"
)
_NAMES = ("url", "name_or_url", "dsn", "conninfo", "host", "broker", "backend")


def check(project: Project) -> Iterator[Finding]:
    """Look at every setting and at what connections are made with, for URLs with a password."""
    seen: set[Place] = set()
    for name, given, at in _given(project):
        if not isinstance(given, Given) or at in seen:
            continue
        found = credentials(given.value)
        asked = ", ".join(given.variables)
        if found is None or (asked and found.is_local) or is_overridden(project, given):
            continue
        seen.add(at)
        message = f"{name} falls back to a {found.scheme} URL with a password where {asked} is not set"
        yield Finding(
            at=at,
            message=(message if len(message) <= 100 else f"{name} falls back to a URL with a password")
            if asked
            else f"{name} is a {found.scheme} URL with a password in the source",
            hint='read os.environ["DATABASE_URL"] without a default, and change the password',
            confidence=Confidence.LIKELY if asked or found.is_local else None,
        )


def _given(project: Project) -> Iterator[tuple[str, Given[object] | Unknown, Place]]:
    for setting in project.derive(settings):
        if not is_sample(setting.file.path):
            yield setting.name, setting.value, setting.at
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            if _CONNECTING.fullmatch(call.name):
                nodes = [*call.node.args[:1], *(call.argument(name) for name in _NAMES)]
                for node in nodes:
                    if node is not None:
                        yield call.name.rpartition(".")[2], value(project, file, node), file.at(node)
