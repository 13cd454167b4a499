"""The strategy Recreate stops the old pod before the new one is started.

Every deployment is an outage as long as a start takes, and a version that does not start is one
without an end.

## Example: Recreate

Flagged at `deploy/web.yaml:7`.

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
  replicas: 1
  strategy:
    type: Recreate
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
```

## Use instead: RollingUpdate

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

## Use instead: a volume that only one pod can have leaves no choice

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
  replicas: 1
  strategy:
    type: Recreate
  template:
    spec:
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: data}
      containers:
        - name: web
          image: registry.example/web:1
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.containers import Pod
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.CAPACITY, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at the strategy of each controller whose pods end in a server."""
    for start in project.derive(web_starts):
        platform = start.launch.platform
        if not isinstance(platform, Pod):
            continue
        said = platform.controller.node.get("spec", "strategy", "type")
        volumes = platform.spec.get("volumes")
        is_bound = any(each.get("persistentVolumeClaim") for each in (volumes.elements if volumes else ()))
        if said is not None and said.text == "Recreate" and not is_bound:
            yield Finding(
                at=said.at,
                message="Recreate stops the old pod before the new one starts: every deployment is an outage",
                hint="type: RollingUpdate, with maxUnavailable: 0 and maxSurge: 1",
            )
