"""The server listens on loopback inside its container, where nobody else is.

The port is published, the connection is refused: inside a container 127.0.0.1 is the container itself. It is
Gunicorn's default too, where neither --bind nor PORT says otherwise.

## Example: the default, behind EXPOSE

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Example: written out, and published

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "127.0.0.1:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    ports: ["8000:8000"]
```

## Use instead: every interface of the container

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: PORT, by which Gunicorn listens everywhere

```dockerfile Dockerfile
FROM python:3.13-slim
ENV PORT=8000
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "app:app"]
```

## Use instead: a proxy in the same container

```dockerfile Dockerfile
FROM python:3.13-slim
RUN apt-get update && apt-get install -y nginx
COPY app.py start.sh .
EXPOSE 80
CMD ["gunicorn", "--bind", "127.0.0.1:8000", "app:app"]
```

## Use instead: the host's own network

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
EXPOSE 8000
CMD ["gunicorn", "--bind", "127.0.0.1:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    network_mode: host
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start_path import Server, Start

RULE = About(Topic.START, Severity.ERROR)
_LOOPBACK = re.compile(r"(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?")
_PROXY = re.compile(r"\b(?:nginx|apache2|httpd|caddy|haproxy|supervisor|envoy|traefik)\b", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    """Join the bind address with the port that the image or the service offers."""
    for start in project.derive(web_starts):
        server, offered = start.server, _offered(start)
        if server is None or offered is None or start.launch.kind not in ("compose", "dockerfile"):
            continue
        if _is_loopback(start, server) and not _has_proxy(project, start):
            is_given = "bind" in server.settings
            yield Finding(
                at=server.setting_at("bind"),
                message="the server listens on loopback inside the container: nobody reaches it"
                if is_given
                else "no bind address: Gunicorn listens on 127.0.0.1, inside the container",
                hint="bind 0.0.0.0:8000: what is published decides who reaches it",
                because=(Because(offered, "this port is to be reached"),),
            )


def _is_loopback(start: Start, server: Server) -> bool:
    if server.name != "gunicorn":
        return False
    if "bind" not in server.settings:
        service = start.launch.service
        return "PORT" not in start.environ and not (service and service.env_files)
    given = server.settings["bind"]
    if not isinstance(given, Given):
        return False
    several = given.value if isinstance(given.value, list) else [given.value]
    return all(_LOOPBACK.fullmatch(str(each).strip()) for each in several)


def _offered(start: Start) -> Place | None:
    """Return where a port of it is published, or EXPOSEd by an image that a person starts."""
    service, image = start.launch.service, start.launch.image
    if service is not None:
        is_shared = service.get("network_mode") is not None
        return service.ports[0].at if service.ports and not is_shared else None
    exposed = image.instructions("EXPOSE") if image is not None else []
    return exposed[-1].at if exposed else None


def _has_proxy(project: Project, start: Start) -> bool:
    image = start.launch.image
    source = project.source(image.dockerfile.path) if image is not None else None
    texts = [source.text if source is not None else "", *(step.text for step in start.steps)]
    return any(_PROXY.search(text) for text in texts)
