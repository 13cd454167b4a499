"""The application takes SIGTERM from the server that runs it.

Gunicorn's workers set their handlers before they load the application.
A `signal.signal(SIGTERM, …)` of the application's module or factory replaces the worker's own: the worker
is never told to finish, and either ends in the middle of its requests or not before it is killed.

## Example: at import

Flagged at `app.py:12`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
import signal
import sys

from flask import Flask


def stop(number, frame):
    sys.exit(0)


app = Flask(__name__)
signal.signal(signal.SIGTERM, stop)
```

## Use instead: atexit, or Gunicorn's own hook

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
import atexit

from flask import Flask

app = Flask(__name__)
atexit.register(print, "closing")
```

## Use instead: in a program of its own

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

```python worker.py
import signal
import sys

from app import app

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.applications import applications
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.python import Call

RULE = About(Topic.SERVER, Severity.ERROR)
_SERVERS = ("gunicorn", "uvicorn", "hypercorn", "gunwale")


def check(project: Project) -> Iterator[Finding]:
    """Look for handlers that are set where the application is made: its module's top, or its factory."""
    served = [start for start in project.derive(web_starts) if start.server and start.server.name in _SERVERS]
    server = served[0].server if served else None
    if server is None:
        return
    for each in project.derive(applications):
        for call in each.file.calls:
            is_run = not call.is_main and ".".join(call.scope) in ("", each.factory)
            if is_run and call.name == "signal.signal" and _is_term(call) and not call.tests:
                yield Finding(
                    at=call.at,
                    message=f"the handler of SIGTERM replaces that of {server.name}'s worker",
                    hint="atexit, or the server's own hook for a worker that exits",
                    because=(Because(server.at, "this server's workers load it"),),
                )


def _is_term(call: Call) -> bool:
    node = call.argument("signalnum", 0)
    return node is not None and getattr(node, "attr", getattr(node, "id", "")) == "SIGTERM"
