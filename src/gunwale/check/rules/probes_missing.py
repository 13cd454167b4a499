"""A container on Kubernetes has no readiness probe, or no probe at all.

Without a readiness probe a pod gets traffic as soon as its process exists, and a roll-out goes on while
nothing answers: the old version is gone before the new one is known to work.
Without a liveness probe a server that hangs is never started again.

## Example: none

Flagged at `deploy/web.yaml:8`.

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
          ports: [{containerPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: liveness alone

Flagged at `deploy/web.yaml:8`.

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
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: both

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
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.containers import Pod
from gunwale.project.health import READINESS, checks
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at each container of Kubernetes that ends in a server."""
    for start in project.derive(web_starts):
        if not isinstance(start.launch.platform, Pod):
            continue
        found = {each.by for each in checks(start)}
        if READINESS not in found:
            what = "no readiness probe" if found else "no probes"
            yield Finding(
                at=start.launch.at,
                message=f"{what}: the pod gets traffic before anything answers",
                hint="add readinessProbe and livenessProbe, with a path of its own each",
            )
