r"""A FLASK_ variable is not the JSON that from_prefixed_env() reads.

What is no JSON becomes a text, and any text is true: FLASK_SESSION_COOKIE_SECURE=False switches the cookie's
Secure flag on, FLASK_TESTING=False switches TESTING on. And digits alone become a number: a SECRET_KEY of
digits is an int, and the first session fails with a TypeError.

## Example: a boolean as Python writes it

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_TESTING=False
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_prefixed_env()
```

## Example: a key of digits, with a prefix of its own

Flagged at `compose.yaml:5`.

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      SHOP_SECRET_KEY: "20261122"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_prefixed_env("SHOP")
```

## Use instead: JSON

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_SESSION_COOKIE_SECURE=true \
    FLASK_TESTING=false \
    FLASK_SERVER_NAME=shop.example.com
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_prefixed_env()
```

## Use instead: Flask's own variables, which are no JSON

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_APP=app FLASK_DEBUG=False FLASK_RUN_PORT=8000
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_prefixed_env()
```

## Use instead: nothing reads them

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_TESTING=False
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: another way to read them

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_TESTING=False
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
import yaml
from flask import Flask

app = Flask(__name__)
app.config.from_prefixed_env(loads=yaml.safe_load)
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.values import text
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.ERROR)
_NO_SETTING = re.compile(r"APP|DEBUG|ENV|SKIP_DOTENV|RUN_\w+")
_NO_JSON = {"True": "true", "False": "false", "None": "null"}


def check(project: Project) -> Iterator[Finding]:
    """Join each variable of a start with the prefix that the application reads."""
    seen: set[Place] = set()
    for prefix, read_at in _prefixes(project):
        for start in project.derive(web_starts):
            for variable, given in start.environ.items():
                name = variable.removeprefix(f"{prefix}_")
                if name == variable or _NO_SETTING.fullmatch(name) or given.at in seen:
                    continue
                fault = _fault(name, given.value.strip())
                if fault is not None:
                    seen.add(given.at)
                    yield Finding(
                        at=given.at,
                        message=f"{variable} {fault[0]}",
                        hint=fault[1],
                        because=(Because(read_at, "read as JSON here"),),
                    )


def _prefixes(project: Project) -> Iterator[tuple[str, Place]]:
    for file in project.of(PythonFile):
        for call in file.calls:
            if call.name.endswith(".config.from_prefixed_env") and role(file.path) is not Role.DEVELOPMENT:
                node = call.argument("prefix", 0)
                prefix = "FLASK" if node is None else text(project, file, node)
                if prefix and call.argument("loads") is None:
                    yield prefix, call.at


def _fault(name: str, value: str) -> tuple[str, str] | None:
    if value in _NO_JSON:
        return f"becomes the text {value!r}, which is true", f"write {_NO_JSON[value]}, as JSON has it"
    if name == "SECRET_KEY" and value.isdecimal():
        return "is digits alone and becomes a number", "use letters too, or put it in double quotes as JSON"
    return None
