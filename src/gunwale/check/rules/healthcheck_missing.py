"""Nobody checks whether the container is healthy.

Without a check a hung server counts as running: nothing restarts it, and nothing waits for it before sending
traffic. A HEALTHCHECK, compose's `healthcheck` or a platform's probes will do.

## Example: neither the image nor a platform checks

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: compose switches the image's check off

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://localhost:8000/health')"
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    healthcheck:
      disable: true
```

## Use instead: HEALTHCHECK

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://localhost:8000/health')"
CMD ["gunicorn", "app:app"]
```

## Use instead: one platform of several checks, and the others are for trying it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
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
          livenessProbe:
            httpGet: {path: /health, port: 8000}
```

## Use instead: a service that builds the same image

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml docker-compose.yml
services:
  web:
    build: .
    command: flask run
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/health"]
```

## Use instead: Fly asks

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```toml fly.toml
app = "shop"

[[http_service.checks]]
path = "/health"
```

## Use instead: compose

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/health"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import checks
from gunwale.project.readers.compose import Compose
from gunwale.project.roles import Role, role
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.HEALTHCHECK, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at each image a server is started from, with what starts it."""
    for image, starts in project.derive(images):
        if not any(checks(start) for start in starts) and not _is_checked_elsewhere(project, image):
            yield Finding(
                at=image.at,
                message="no health check: neither HEALTHCHECK nor one of a platform",
                hint="add HEALTHCHECK, healthcheck to the compose service, or probes to the container",
                because=tuple(_because(start) for start in starts if start.launch.kind != "dockerfile"),
            )


def _is_checked_elsewhere(project: Project, image: Image) -> bool:
    """Whether a service that builds the same image, and starts it otherwise, has one."""
    return any(
        service.get("healthcheck", "test") is not None
        for file in project.of(Compose)
        if role(file.path) is not Role.DEVELOPMENT
        for service in file.services
        if service.build is not None and service.build.dockerfile == image.dockerfile.path
    )


def _because(start: Start) -> Because:
    return Because(start.launch.at, f"{start.launch.title.rpartition(': ')[2]} has none either")
