"""Gunicorn or uWSGI is left at its default of one worker.

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

## Example: uWSGI

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["uwsgi", "--http-socket", ":8000", "--module", "app:app", "--die-on-term"]
```

## Use instead: one CPU on Kubernetes, or less

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml deploy/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          resources:
            limits: {cpu: 500m}
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

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.limits import cpu_limit
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.WORKERS_1, Severity.WARNING)


_NAMES = {"gunicorn": "Gunicorn", "uwsgi": "uWSGI"}


def check(project: Project) -> Iterator[Finding]:
    """Look at each server that forks; where the platform sets WEB_CONCURRENCY, it is not one worker."""
    for start in project.derive(web_starts):
        server, limit = start.server, cpu_limit(start)
        if server is None or server.name not in _NAMES or start.launch.is_routed:
            continue
        count = server.number("workers", 1)
        if count is not None and count <= 1 and (limit is None or limit > 1):
            is_given, name = "workers" in server.settings, _NAMES[server.name]
            message = f"{name} runs one worker" if is_given else f"no number of workers: {name} runs one"
            hint = "give --workers, or workers in gunicorn.conf.py; gunwale plan --explain serve.workers"
            if server.name == "uwsgi":
                hint = "give --processes, or processes in the .ini"
            ini = server.settings.get("ini")
            because = (Because(ini.at, "its settings"),) if isinstance(ini, Given) else ()
            yield Finding(at=server.setting_at("workers"), message=message, hint=hint, because=because)
