"""Debug mode is on where production starts.

Werkzeug's debugger runs any Python a visitor types, and debug mode shows source and configuration in errors.

## Example: app.run(debug=True) is what the container runs

Flagged at `app.py:6`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["python", "app.py"]
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(debug=True)
```

## Example: FLASK_DEBUG in the image

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_DEBUG=1
COPY app.py .
CMD ["flask", "run"]
```

## Example: the value comes from another module

Flagged at `settings.py:1`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["python", "app.py"]
```

```python app.py
from flask import Flask
from settings import DEBUG

app = Flask(__name__)
app.run(debug=DEBUG)
```

```python settings.py
DEBUG = True
```

## Use instead: debug only where a developer asks for it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(debug=True)
```

## Use instead: off

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_DEBUG=0
COPY app.py .
CMD ["flask", "run"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.DEBUG, Severity.ERROR)
_OFF = ("", "0", "f", "false", "n", "no", "off")


def check(project: Project) -> Iterator[Finding]:
    """Look at what each start of the development server is told; others have no debugger to switch on."""
    for start in project.derive(web_starts):
        at = _debug_at(start)
        if at is not None and start.server is not None:
            because = (
                () if at == start.server.at else (Because(start.server.at, "the server is started here"),)
            )
            yield Finding(
                at=at,
                message="debug mode is on in production: its debugger runs any code a visitor types",
                hint="leave debug off, and serve with a WSGI server",
                because=because,
            )


def _debug_at(start: Start) -> Place | None:
    """Return where debug mode is switched on."""
    server = start.server
    if server is None or not server.is_development:
        return None
    told = server.settings.get("debug")
    if told is not None:
        return told.at if isinstance(told, Given) and told.value else None
    variable = start.environ.get("FLASK_DEBUG")
    is_on = variable is not None and variable.value.strip().lower() not in _OFF
    return variable.at if variable is not None and is_on else None
