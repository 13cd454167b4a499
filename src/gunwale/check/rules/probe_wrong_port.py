"""A health check asks on a port that the server does not listen on.

It never succeeds: no pod becomes ready, every container is restarted again and again.

## Example: a probe

Flagged at `deploy/web.yaml:10`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
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
          readinessProbe:
            httpGet: {path: /ready, port: 5000}
```

## Example: compose

Flagged at `compose.yaml:6`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    ports: ["80:8000"]
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost/health"]
```

## Use instead: the server's own

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

## Use instead: what the environment says is not known here

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD exec gunicorn --bind 0.0.0.0:$PORT app:app
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
          readinessProbe:
            httpGet: {path: /ready, port: 5000}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.containers import Pod
from gunwale.project.health import checks
from gunwale.project.ports import listeners
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Compare the port of each check of the container itself with those the server listens on."""
    for start in project.derive(web_starts):
        found, containers = listeners(start), start.launch.platform
        ports = {each.port for each in found or ()}
        if not found or _has_sidecar(containers):
            continue
        for each in checks(start):
            request = each.request
            port = (request.port or ("" if each.is_http_get else "80")) if request else ""
            if request is not None and request.is_local and port and port not in ports:
                listening = ", ".join(sorted(ports))
                yield Finding(
                    at=each.at,
                    message=f"{each.by} asks on port {port}; the server listens on {listening}",
                    hint=f"ask on port {listening}, or change bind",
                    because=(Because(found[0].at or start.launch.at, f"it listens on {listening}"),),
                )


def _has_sidecar(platform: object) -> bool:
    """Whether another container of the pod may be the one that is asked."""
    containers = platform.spec.get("containers") if isinstance(platform, Pod) else None
    return containers is not None and len(containers.elements) > 1
