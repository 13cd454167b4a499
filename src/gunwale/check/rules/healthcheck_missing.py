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
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.HEALTHCHECK, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at each image a server is started from, with what starts it."""
    for image, starts in project.derive(images):
        unchecked = [start for start in starts if not checks(start)]
        if unchecked:
            services = [start.launch.service for start in unchecked if start.launch.service]
            yield Finding(
                at=image.at,
                message="no health check: neither HEALTHCHECK nor one of a platform",
                hint="add HEALTHCHECK, or healthcheck to the compose service",
                because=tuple(Because(each.at, f"service {each.name} has none either") for each in services),
            )
