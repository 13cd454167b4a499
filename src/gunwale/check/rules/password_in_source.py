"""A password or key is written in the source.

Everybody who can read the repository, a backup or the image has it, and changing it takes a release.

## Example: in the configuration

Flagged at `config.py:2`.

```python config.py
class Config:
    MAIL_PASSWORD = "hunter2hunter2"
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```

## Example: in settings that the code reads itself

Flagged at `settings.py:3`.

```python settings.py
class Settings:
    SMTP_USER = "shop"
    SMTP_PASSWORD = "hunter2hunter2"
```

```python app.py
from flask import Flask
from settings import Settings

app = Flask(__name__)
app.mail = (Settings.SMTP_USER, Settings.SMTP_PASSWORD)
```

## Example: where the connection is made

Flagged at `app.py:5`.

```python app.py
import pymysql
from flask import Flask

app = Flask(__name__)
connection = pymysql.connect(host="db", user="shop", password="hunter2hunter2")
```

## Example: in a module of settings that is imported

Flagged at `config.py:4`.
Flagged at `config.py:6`.

```python config.py
import os

DB_HOST = os.getenv("DB_HOST", "db")
DB_PASSWORD = os.getenv("DB_PASSWORD", "hunter2hunter2")

REPORTS = {"host": "reports", "password": "hunter3hunter3"}
VARIABLES = {"password": "SHOP_REPORTS_PASSWORD"}
```

```python app.py
from config import DB_HOST, DB_PASSWORD
from flask import Flask

app = Flask(__name__)
```

## Use instead: from the environment

```python app.py
import os

import pymysql
from flask import Flask

app = Flask(__name__)
app.config["MAIL_PASSWORD"] = os.environ["MAIL_PASSWORD"]
connection = pymysql.connect(host="db", user="shop", password=os.environ["DB_PASSWORD"])
```

## Use instead: names that only look like secrets

```python config.py
class Config:
    RESET_PASSWORD = "reset"
    CSRF_TOKEN = ""
    AUTH_TOKEN = "auth_token"
    RECAPTCHA_PUBLIC_KEY = "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"
    PRIVATE_KEY = "/run/secrets/key.pem"
    API_KEY = "<your key>"
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```

## Use instead: of a test

```python tests/config.py
class Config:
    MAIL_PASSWORD = "hunter2hunter2"
```

```python app.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.configuration import is_overridden, settings
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.secrets import is_sample, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place, Unknown
    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)
_CONNECTING = re.compile(
    r"(?:.*\.)?(?:connect|create_pool|Connection|ConnectionPool|Redis|StrictRedis|MongoClient)"
)
_SETTINGS = re.compile(r"config|settings", re.IGNORECASE)
_HINT = "read it from the environment or a mounted secret, and change it: it stays in the history"


def check(project: Project) -> Iterator[Finding]:
    """Look at settings by the names of secrets, and at what connections are made with."""
    loaded = set()
    for setting in project.derive(settings):
        loaded.add(setting.at)
        if setting.name != "SECRET_KEY" and not is_sample(setting.file.path):
            yield from _finding(project, setting.name, setting.value, setting.at)
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for name, node in (*_constants(file), *_connections(file)):
            if file.at(node) not in loaded:
                yield from _finding(project, name, value(project, file, node), file.at(node))


def _connections(file: PythonFile) -> Iterator[tuple[str, ast.expr]]:
    """Yield the passwords that connections are made with."""
    for call in file.calls:
        if _CONNECTING.fullmatch(call.name):
            for name in ("password", "passwd"):
                node = call.argument(name)
                if node is not None:
                    yield name, node


def _constants(file: PythonFile) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a module of settings says at its top level, and in its tables, for others to import."""
    if not _SETTINGS.search(file.path.rpartition("/")[2]) or is_sample(file.path):
        return
    for name, node in file.assigned.items():
        if isinstance(node, ast.Dict):
            for key, inner in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, inner
        elif name.isupper() and name != "SECRET_KEY":
            yield name, node


def _finding(project: Project, name: str, given: Given[object] | Unknown, at: Place) -> Iterator[Finding]:
    if not isinstance(given, Given) or not is_secret(name, given.value) or is_overridden(project, given):
        return
    text = str(given.value)
    if f"_{name.lower()}".endswith("_" + text.lower().replace("-", "_")):
        return  # TOKEN = "token" names a field
    if text.isupper() and text.endswith(f"_{name.upper()}"):
        return  # {"REDIS_PASSWORD": "SHOP_REDIS_PASSWORD"} names a variable
    asked = ", ".join(given.variables)
    message = f"{name} has a default in the source, used where {asked} is not set"
    yield Finding(
        at=at,
        message=message if asked else f"{name} is written in the source",
        hint=_HINT,
        confidence=Confidence.LIKELY if asked else None,
    )
