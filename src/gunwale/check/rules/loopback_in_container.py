"""The server listens on the container's own loopback address, where nobody outside can reach it.

Gunicorn's default is 127.0.0.1:8000. In a container that is the container's: a published port leads nowhere,
the proxy beside it gets "connection refused", and a health check from within says all is well.

## Example: the default

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Example: written out

Flagged at `gunicorn.conf.py:1`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py gunicorn.conf.py ./
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
bind = "127.0.0.1:5000"
```

```yaml compose.yaml
services:
  web:
    build: .
    ports: ["5000:5000"]
```

## Use instead: every interface of the container

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: the host's network

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    network_mode: host
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.ports import listeners
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start_path import Start

RULE = About(Topic.START, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at where the server of each container listens that publishes or exposes a port."""
    for start in project.derive(web_starts):
        door = _door(start)
        found = listeners(start) if door is not None else None
        if door is None or not found or not all(each.is_loopback for each in found):
            continue
        server, first = start.server, found[0]
        assert server is not None
        what = "by default" if first.at is None else "here"
        yield Finding(
            at=first.at or server.at,
            message=f"the server listens on {first.host}:{first.port} {what}: nobody outside reaches it",
            hint=f"bind 0.0.0.0:{first.port}",
            because=(Because(door, "a port is opened here"),),
        )


def _door(start: Start) -> Place | None:
    """Return where the container says that it is reached from outside."""
    service, image = start.launch.service, start.launch.image
    if start.launch.kind not in ("compose", "dockerfile") or image is None:
        return None
    if service is not None:
        if service.get("network_mode") is not None:
            return None
        ports = service.get("ports") or service.get("expose")
        if ports is not None:
            return ports.at
    exposed = image.instructions("EXPOSE")
    return exposed[-1].at if exposed else None
