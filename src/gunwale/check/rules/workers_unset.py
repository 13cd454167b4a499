"""Gunicorn is left at its default of one worker.

One sync worker answers one request at a time: a slow client, a slow query or a deploy stops everybody, and a
second CPU is idle. The number comes from CPU and memory: `gunwale plan` works it out.

## Example: no workers in the command

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Example: one worker, written out

Flagged at `gunicorn.conf.py:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py gunicorn.conf.py ./
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
bind = "0.0.0.0:8000"
workers = 1
```

## Use instead: a number

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: WEB_CONCURRENCY in the image or the service

```dockerfile Dockerfile
FROM python:3.13-slim
ENV WEB_CONCURRENCY=4
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: where one CPU is all there is

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
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
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start_path import Start

RULE = About(Topic.WORKERS_1, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at each start of Gunicorn; where the platform sets WEB_CONCURRENCY, it is not one worker."""
    for start in project.derive(web_starts):
        server = start.server
        if (
            server is None
            or server.name != "gunicorn"
            or start.launch.kind == "procfile"
            or _has_one_cpu(start)
        ):
            continue
        count = server.number("workers", 1)
        if count is not None and count <= 1:
            is_given = "workers" in server.settings
            message = "Gunicorn runs one worker" if is_given else "no number of workers: Gunicorn runs one"
            hint = "give --workers, or workers in gunicorn.conf.py; gunwale plan --explain serve.workers"
            yield Finding(at=server.setting_at("workers"), message=message, hint=hint)


def _has_one_cpu(start: Start) -> bool:
    service = start.launch.service
    for keys in (("deploy", "resources", "limits", "cpus"), ("cpus",)):
        said = service.text(*keys) if service else None
        try:
            if said is not None and 0 < float(said) <= 1:
                return True
        except ValueError:
            continue
    return False
