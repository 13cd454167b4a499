"""Kubernetes is told to refuse root, and cannot tell whether the image's user is root.

With runAsNonRoot the kubelet compares a number. The image names its user, so the container does not start:
"image has non-numeric user, cannot verify user is non-root".

## Example: a name in USER

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
RUN useradd app
USER app
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
          securityContext:
            runAsNonRoot: true
```

## Use instead: a number

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
USER 10001
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
          securityContext:
            runAsNonRoot: true
```

## Use instead: the pod says the number

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
RUN useradd --uid 10001 app
USER app
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
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Unknown
from gunwale.project.privileges import must_be_non_root, user
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.ROOT, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at the user of each image that Kubernetes is to start as anybody but root."""
    for start in project.derive(web_starts):
        refused, found = must_be_non_root(start), user(project, start)
        if refused is None or isinstance(found, Unknown) or found.at is None or found.is_root:
            continue
        name = found.name.partition(":")[0]
        if not name.isdigit():
            yield Finding(
                at=found.at,
                message=f"USER {name} is no number: with runAsNonRoot the container does not start",
                hint="write its number, USER 10001, or add runAsUser to the securityContext",
                because=(Because(refused.at, "root is refused here"),),
            )
