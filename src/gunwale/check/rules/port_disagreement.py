"""The container's published port is not the one the server listens on.

The port is open and answers "connection reset": nothing behind it. It happens when one of the two is changed.

## Example: compose publishes another

Flagged at `compose.yaml:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "80:5000"
```

## Example: Fly sends requests to another

Flagged at `fly.toml:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```toml fly.toml
app = "shop"

[http_service]
internal_port = 8080
```

## Use instead: the same

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "80:8000"
      - "9100:9100"
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.ports import listeners
from gunwale.project.readers.fly import FlyApp
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Given
    from gunwale.project.model import Project
    from gunwale.project.ports import Listener
    from gunwale.project.start import Start

RULE = About(Topic.START, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Compare the target of what each service publishes with where its server listens."""
    for start in project.derive(web_starts):
        service, found = start.launch.service, listeners(start)
        platform = start.launch.platform
        if isinstance(platform, FlyApp) and platform.port is not None and found:
            yield from _of_fly(platform.port, found, start)
        ports = service.ports if service else []
        targets = {each.target for each in ports}
        if not found or not ports or not all(target.isdigit() for target in targets):
            continue
        own = {each.port for each in found}
        if not own & targets:
            listening = ", ".join(sorted(own))
            yield Finding(
                at=ports[0].at,
                message=f"port {ports[0].target} is published; the server listens on {listening}",
                hint=f"publish {listening}, or bind to {ports[0].target}",
                because=(Because(found[0].at or start.launch.at, f"it listens on {listening}"),),
            )


def _of_fly(port: Given[str], found: list[Listener], start: Start) -> Iterator[Finding]:
    """Compare the port that Fly sends requests to."""
    if port.value.isdigit() and port.value not in {each.port for each in found}:
        listening = ", ".join(sorted({each.port for each in found}))
        yield Finding(
            at=port.at,
            message=f"Fly sends requests to port {port.value}; the server listens on {listening}",
            hint=f"set internal_port = {found[0].port}, or bind to {port.value}",
            because=(Because(found[0].at or start.launch.at, f"it listens on {listening}"),),
        )
