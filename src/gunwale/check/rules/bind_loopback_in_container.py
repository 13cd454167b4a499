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

## Example: a proxy in another container

Flagged at `gunicorn.conf.py:1`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
bind = "127.0.0.1:8000"
```

```yaml compose.yaml
services:
  app:
    build: .
  front:
    image: nginx:1.29
    ports: ["80:80"]
    volumes: ["./nginx.conf:/etc/nginx/conf.d/default.conf:ro"]
```

```nginx nginx.conf
server {
  listen 80;
  location / {
    proxy_pass http://app:8000;
  }
}
```

## Example: the port of an ECS task

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "127.0.0.1:8000", "app:app"]
```

```json task.json
{
  "family": "web",
  "containerDefinitions": [
    {"name": "web", "image": "web:1", "portMappings": [{"containerPort": 8000}]}
  ]
}
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

## Use instead: a proxy beside it in the pod, where loopback is one for all

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "127.0.0.1:8000", "app:app"]
```

```yaml pod.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: web
      ports: [{containerPort: 8000}]
    - name: proxy
      image: nginx:1.29
      ports: [{containerPort: 80}]
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
from gunwale.project.containers import Pod, Task
from gunwale.project.facts import Given
from gunwale.project.fronts import fronts
from gunwale.project.readers.ecs_task import get, text
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Server, Start

RULE = About(Topic.START, Severity.ERROR)
_LOOPBACK = re.compile(r"(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?")
_PROXY = re.compile(r"\b(?:nginx|apache2|httpd|caddy|haproxy|supervisor|envoy|traefik)\b", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    """Join the bind address with the port that is offered, or the proxy that asks from elsewhere."""
    for start in project.derive(web_starts):
        server, offered = start.server, _offered(project, start)
        if server is None or offered is None or not start.launch.is_container:
            continue
        if _is_loopback(start, server) and not _has_proxy(project, start):
            is_given = "bind" in server.settings
            yield Finding(
                at=server.setting_at("bind"),
                message="the server listens on loopback inside the container: nobody reaches it"
                if is_given
                else "no bind address: Gunicorn listens on 127.0.0.1, inside the container",
                hint="bind 0.0.0.0:8000: what is published decides who reaches it",
                because=(offered,),
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


def _offered(project: Project, start: Start) -> Because | None:
    """Return what says that it is to be reached from outside its own network namespace."""
    service, image, platform = start.launch.service, start.launch.image, start.launch.platform
    at: Place | None = None
    if isinstance(platform, Pod | Task):
        at = _port_of(platform)
    elif service is not None:
        if service.get("network_mode") is not None:
            return None
        if not service.ports:
            return _proxy_elsewhere(project, start)
        at = service.ports[0].at
    elif start.launch.kind == "dockerfile" and image is not None and image.instructions("EXPOSE"):
        at = image.instructions("EXPOSE")[-1].at
    return Because(at, "this port is to be reached") if at is not None else None


def _port_of(platform: Pod | Task) -> Place | None:
    """Return the port of a container that is alone in its pod or task: those in one share their loopback."""
    if isinstance(platform, Pod):
        ports, beside = platform.node.get("ports"), platform.spec.get("containers")
        is_shared = platform.spec.get("hostNetwork") is not None
    else:
        task = platform.definition
        ports = get(platform.node, "portMappings")
        beside = get(task, "containerDefinitions") or task.get("container_definitions")
        is_shared = "host" in (text(task, "networkMode"), text(task, "network_mode"))
    is_alone = beside is None or len(beside.elements) == 1
    return ports.at if ports is not None and is_alone and not is_shared else None


def _proxy_elsewhere(project: Project, start: Start) -> Because | None:
    """Return the proxy that asks it from another container."""
    for front in project.derive(fronts):
        proxy = front.last
        if front.start is start and proxy.service is not None and proxy.service is not start.launch.service:
            is_inside = proxy.service.get("network_mode") is not None
            return None if is_inside else Because(proxy.at, f"{proxy.proxy} asks it from its own container")
    return None


def _has_proxy(project: Project, start: Start) -> bool:
    image = start.launch.image
    source = project.source(image.dockerfile.path) if image is not None else None
    texts = [source.text if source is not None else "", *(step.text for step in start.steps)]
    return any(_PROXY.search(text) for text in texts)
