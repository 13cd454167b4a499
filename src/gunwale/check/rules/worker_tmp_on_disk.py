"""Gunicorn's workers have no place in memory for their heartbeat.

Each worker touches a file in /tmp every second, and is killed when that takes longer than the timeout: on a
disk that is busy it does. On a read-only root without a /tmp Gunicorn does not start at all.

## Example: a read-only root, and no /tmp

Flagged at `compose.yaml:4`.

```yaml compose.yaml
services:
  web:
    build: .
    read_only: true
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: /dev/shm, which is memory

```yaml compose.yaml
services:
  web:
    build: .
    read_only: true
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-tmp-dir", "/dev/shm", "app:app"]
```

## Use instead: a /tmp in memory

```yaml compose.yaml
services:
  web:
    build: .
    read_only: true
    tmpfs: /tmp
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Service

RULE = About(Topic.SERVER, Severity.ERROR)
_TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - looked for, not used


def check(project: Project) -> Iterator[Finding]:
    """Join a read-only root with where Gunicorn puts its heartbeat."""
    for start in project.derive(web_starts):
        server, service = start.server, start.launch.service
        if server is None or service is None or server.name != "gunicorn":
            continue
        read_only = service.get("read_only")
        is_read_only = read_only is not None and read_only.scalar() is True
        if read_only is None or not is_read_only or "worker_tmp_dir" in server.settings or _has_tmp(service):
            continue
        yield Finding(
            at=read_only.at,
            message="the root is read-only and nothing is mounted at /tmp: Gunicorn does not start",
            hint="add --worker-tmp-dir /dev/shm, and tmpfs: /tmp where the application writes there",
            because=(Because(server.at, "Gunicorn puts a file a worker in /tmp"),),
        )


def _has_tmp(service: Service) -> bool:
    for key in ("tmpfs", "volumes"):
        node = service.get(key)
        texts = node.texts() if node is not None else []
        targets = [each.get("target") for each in node.elements] if node is not None else []
        texts += [each.text or "" for each in targets if each is not None]
        if any(part.rstrip("/") in _TEMPORARY for text in texts for part in text.split(":")):
            return True
    return False
