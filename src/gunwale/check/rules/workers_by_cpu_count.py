"""The number of workers follows the machine's CPUs, in a container that is given fewer.

`multiprocessing.cpu_count()` counts the CPUs of the host and knows no quota: half a CPU of a machine with 64
makes 129 workers, and the memory limit is reached before the first request.

## Example: 2 × CPUs + 1, under a limit

Flagged at `gunicorn.conf.py:3`.

```python gunicorn.conf.py
import multiprocessing

workers = multiprocessing.cpu_count() * 2 + 1
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
    deploy:
      resources:
        limits:
          cpus: "0.5"
          memory: 512M
```

## Use instead: a number, or gunwale's, which knows the limits

```python gunicorn.conf.py
import os

workers = int(os.environ.get("WEB_CONCURRENCY", 2))
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
    deploy:
      resources:
        limits:
          cpus: "0.5"
```

## Use instead: the service says the number

```python gunicorn.conf.py
import multiprocessing
import os

workers = int(os.environ.get("WEB_CONCURRENCY", multiprocessing.cpu_count() * 2))
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
    mem_limit: 512m
    environment:
      WEB_CONCURRENCY: "2"
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.readers.gunicorn_config import CPU_COUNT
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

RULE = About(Topic.CAPACITY, Severity.WARNING)
_LIMITS = (
    ("deploy", "resources", "limits", "cpus"),
    ("cpus",),
    ("deploy", "resources", "limits", "memory"),
    ("mem_limit",),
)


def check(project: Project) -> Iterator[Finding]:
    """Join a number of workers that depends on the CPUs with a limit of the service; without one, advise."""
    for start in project.derive(web_starts):
        given = start.server.settings.get("workers") if start.server is not None else None
        if not isinstance(given, Given) or CPU_COUNT not in given.variables or not start.launch.is_container:
            continue
        limit = _limit(start)
        yield Finding(
            at=given.at,
            message="the workers follow the CPUs of the host, and the container is given less"
            if limit
            else "the workers follow the CPUs of the host: cpu_count() knows no limit of the container",
            hint="set WEB_CONCURRENCY, or let gunwale serve work it out of CPU quota and memory",
            because=(Because(limit.at, "this limit is not counted"),) if limit else (),
            severity=None if limit else Severity.NOTE,
        )


def _limit(start: Start) -> Node | None:
    service = start.launch.service
    found = (service.get(*keys) for keys in _LIMITS) if service is not None else ()
    return next((node for node in found if node is not None and node.text and "$" not in node.text), None)
