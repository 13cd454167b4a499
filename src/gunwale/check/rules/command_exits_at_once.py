"""The container's command ends as soon as it has begun, and the container with it.

Orchestrators start it again and again: "CrashLoopBackOff", "Restarting (0)", a target that is never healthy.
Gunicorn and uWSGI as daemons end the process that the container lives by; Python's prompt without a terminal
reads nothing and ends; a module that only makes the application has nothing more to do.

## Example: Gunicorn as a daemon

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--daemon", "--bind", "0.0.0.0:8000", "app:app"]
```

## Example: daemon in its configuration

Flagged at `gunicorn.conf.py:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
bind = "0.0.0.0:8000"
daemon = True
```

## Example: a module that makes the application and runs nothing

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["python", "app.py"]
```

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "hello"
```

## Example: a service without a command, of an image that has none

Flagged at `compose.yaml:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

```yaml compose.yaml
services:
  web:
    build: .
    ports: ["8000:8000"]
```

## Use instead: the server in the foreground

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: a unit of systemd that forks

```ini web.service
[Service]
Type=forking
ExecStart=/srv/venv/bin/gunicorn --daemon --bind 127.0.0.1:8000 app:app
```

## Use instead: a script that does something else

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["python", "worker.py"]
```

```python worker.py
from app import app
from queue_of_ours import consume

with app.app_context():
    consume()
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: an image that others are built from

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
```

```python app.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.applications import applications
from gunwale.project.start import NotWeb
from gunwale.project.start_path import starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.readers.python import PythonFile
    from gunwale.project.start import Server, Start

RULE = About(Topic.START, Severity.ERROR)
_SWITCHES = {"-D": "daemon", "--daemon": "daemon", "--daemonize": "daemon", "--daemonize2": "daemon"}
_CHECKS = ("--check-config", "--print-config", "--version", "-v")
_DEFINING = frozenset(
    ["Flask", "Blueprint", "register_blueprint", "route", "get", "post", "from_object", "init_app"]
)
_PYTHON = ("python", "docker.io/python", "library/python", "docker.io/library/python")


def check(project: Project) -> Iterator[Finding]:
    """Look at what each container's command comes to."""
    seen = set()
    for start in project.derive(starts):
        if start.launch.is_container:
            found = _of_server(start.server) if start.server is not None else _of_another(project, start)
            if found is not None and found.at not in seen:
                seen.add(found.at)
                yield found


def _of_server(server: Server) -> Finding | None:
    said = server.settings.get("daemon")
    is_set = isinstance(said, Given) and str(said.value).lower() in ("true", "1") and not said.variables
    told = server.words[: server.words.index("--")] if "--" in server.words else server.words
    word = next((each for each in told if each.partition("=")[0] in _SWITCHES), "")
    if server.name in ("gunicorn", "uwsgi") and (is_set or word):
        return Finding(
            at=server.setting_at("daemon"),
            message=f"{server.name} goes into the background, and the container ends",
            hint="leave the daemon out: the container is the daemon",
        )
    checked = next((each for each in told if each in _CHECKS), "") if server.name == "gunicorn" else ""
    if checked:
        message = f"gunicorn {checked} says something and ends: nothing is served"
        return Finding(at=server.at, message=message, hint=f"leave {checked} out of the command that serves")
    return None


def _of_another(project: Project, start: Start) -> Finding | None:
    if not isinstance(start.outcome, NotWeb):
        return None
    name = start.outcome.name
    for each in project.derive(applications):
        if name == f"python {each.file.path}" and start.steps and _only_defines(each.file):
            return Finding(
                at=start.steps[-1].at,
                message=f"{each.file.path} makes the application and ends: nothing serves it",
                hint="start a WSGI server, as in: gunicorn --bind 0.0.0.0:8000 MODULE:VARIABLE",
                because=(Because(each.at, "only made here"),),
            )
    service = start.launch.service
    is_started = service is not None and bool(service.ports) and not start.launch.words
    if is_started and service is not None and name.partition(":")[0] in _PYTHON and not _is_workplace(start):
        return Finding(
            at=service.at,
            message="no command: the base image's own is Python's prompt, which ends without a terminal",
            hint="CMD in the Dockerfile, or command in the service",
            because=(Because(_base(start), "built from this"),),
        )
    return None


def _only_defines(file: PythonFile) -> bool:
    """Whether nothing at the top level of *file* can serve: no loop, and only calls that define."""
    for statement in file.tree.body:
        if isinstance(statement, ast.While | ast.For | ast.With | ast.AsyncFor | ast.AsyncWith):
            return False
        if isinstance(statement, ast.If | ast.Try):
            return False
    top = [call for call in file.calls if not call.scope]
    return all(call.name.rpartition(".")[2] in _DEFINING for call in top)


def _is_workplace(start: Start) -> bool:
    """Whether a person works in it: at a terminal, or on sources that are mounted."""
    service = start.launch.service
    return service is not None and any(
        service.get(key) is not None for key in ("tty", "stdin_open", "volumes")
    )


def _base(start: Start) -> Place:
    assert start.launch.image is not None
    return start.launch.image.base.at
