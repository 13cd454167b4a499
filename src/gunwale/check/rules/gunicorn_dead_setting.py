"""gunicorn.conf.py sets what Gunicorn does not read.

A setting that is gone, or that the chosen worker has no use for, changes nothing, and who reads the file
believes that it does.

## Example: of an older Gunicorn

Flagged at `gunicorn.conf.py:2`.
Flagged at `gunicorn.conf.py:3`.

```python gunicorn.conf.py
workers = 4
debug = False
logfile = "-"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Example: connections of a worker that takes one at a time

Flagged at `gunicorn.conf.py:2`.

```python gunicorn.conf.py
workers = 4
worker_connections = 1000
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: what it reads

```python gunicorn.conf.py
workers = 4
errorlog = "-"
worker_class = "gevent"
worker_connections = 1000
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.SERVER, Severity.NOTE)
_GONE = {
    "debug": "delete it: Gunicorn has had no debug setting since 19",
    "logfile": "write errorlog",
    "django_settings": "delete it: set DJANGO_SETTINGS_MODULE",
    "secure_scheme_header": "write secure_scheme_headers",
}
_WITHOUT_USE = {"worker_connections", "keepalive"}  # of a sync worker with one thread


def check(project: Project) -> Iterator[Finding]:
    """Look at the settings of each start of Gunicorn, with the worker class that goes with them."""
    seen: set[Place] = set()
    for start in project.derive(web_starts):
        server = start.server
        if server is None or server.name != "gunicorn":
            continue
        chosen = server.settings.get("worker_class", Given("sync", server.at))
        is_sync = isinstance(chosen, Given) and chosen.value == "sync" and server.number("threads", 1) == 1
        for name, given in server.settings.items():
            if not isinstance(given, Given) or given.at in seen:
                continue
            if name in _GONE:
                seen.add(given.at)
                yield Finding(at=given.at, message=f"Gunicorn has no setting {name}", hint=_GONE[name])
            elif name in _WITHOUT_USE and is_sync:
                seen.add(given.at)
                yield Finding(
                    at=given.at,
                    message=f"{name} means nothing to a sync worker with one thread",
                    hint="delete it, or choose --worker-class gthread",
                )
