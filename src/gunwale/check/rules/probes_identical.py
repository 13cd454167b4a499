"""Liveness and readiness ask the same thing.

They have opposite answers to give: a pod whose database is away is not to get traffic, and restarting it
helps nobody.
With one endpoint for both, what takes a pod out of service for a moment restarts all of them at once.

## Example: one path for both

Flagged at `deploy/web.yaml:12`.

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
          livenessProbe:
            httpGet: {path: /health, port: 8000}
          readinessProbe:
            httpGet: {path: /health, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: a path each

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
          livenessProbe:
            httpGet: {path: /health, port: 8000}
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: liveness asks the process only

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
          livenessProbe:
            tcpSocket: {port: 8000}
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import LIVENESS, READINESS, checks
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Compare what the two probes of each container ask for."""
    for start in project.derive(web_starts):
        found = {each.by: each for each in checks(start)}
        live, ready = found.get(LIVENESS), found.get(READINESS)
        if live is None or ready is None or not live.command or live.request is None:
            continue
        if live.request == ready.request:
            yield Finding(
                at=ready.at,
                message=f"readiness asks {ready.request.path} as liveness does",
                hint="ask for the dependencies here, on a path of its own, and for nothing in liveness",
                because=(Because(live.at, "the same is asked here"),),
            )
