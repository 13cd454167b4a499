"""The Docker socket is mounted into the container of the application.

Who can write to it can start a container with the host's root directory in it: a fault in the application is
root on the host, whatever user the container runs as. Mounting it read-only changes nothing.

## Example: in compose

Flagged at `compose.yaml:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
USER 10001
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
```

## Use instead: none; a proxy of its own for the calls that are needed

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
USER 10001
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  docker:
    image: tecnativa/docker-socket-proxy
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.ROOT, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at what is mounted into each service that ends in a server."""
    for start in project.derive(web_starts):
        volumes = start.launch.service.get("volumes") if start.launch.service else None
        for each in volumes.elements if volumes else ():
            source = each.get("source")
            text = each.text or (source.text if source else "") or ""
            if text.split(":")[0].rpartition("/")[2] == "docker.sock":
                yield Finding(
                    at=each.at,
                    message="the Docker socket is mounted: a fault in the application is root on the host",
                    hint="take it out, or put a proxy before it that allows the calls that are needed",
                )
