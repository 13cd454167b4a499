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

## Example: a read-only root in Kubernetes

Flagged at `k8s.yaml:10`.

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          securityContext: {readOnlyRootFilesystem: true}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: an emptyDir at /tmp

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      volumes:
        - {name: tmp, emptyDir: {medium: Memory}}
      containers:
        - name: web
          image: registry.example/web:1
          securityContext: {readOnlyRootFilesystem: true}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: TMPDIR on a volume of the task

```json task.json
{
  "family": "web",
  "containerDefinitions": [
    {
      "name": "web",
      "image": "web:1",
      "readonlyRootFilesystem": true,
      "environment": [{"name": "TMPDIR", "value": "/data"}],
      "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]
    }
  ]
}
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
from gunwale.project.containers import Pod, Task
from gunwale.project.readers.ecs_task import get
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

RULE = About(Topic.SERVER, Severity.ERROR)
_TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - looked for, not used


def check(project: Project) -> Iterator[Finding]:
    """Join a read-only root with where Gunicorn puts its heartbeat."""
    for start in project.derive(web_starts):
        server, read_only = start.server, _read_only(start)
        if server is None or read_only is None or server.name != "gunicorn":
            continue
        if "worker_tmp_dir" in server.settings or "TMPDIR" in start.environ or _has_tmp(start):
            continue
        yield Finding(
            at=read_only.at,
            message="the root is read-only and nothing is mounted at /tmp: Gunicorn does not start",
            hint="add --worker-tmp-dir /dev/shm, and a tmpfs at /tmp where the application writes there",
            because=(Because(server.at, "Gunicorn puts a file a worker in /tmp"),),
        )


def _read_only(start: Start) -> Node | None:
    """Return what makes the root of the container read-only."""
    platform, service = start.launch.platform, start.launch.service
    node = service.get("read_only") if service is not None else None
    if isinstance(platform, Pod):
        node = platform.node.get("securityContext", "readOnlyRootFilesystem")
    elif isinstance(platform, Task):
        node = get(platform.node, "readonlyRootFilesystem")
    return node if node is not None and node.scalar() is True else None


def _has_tmp(start: Start) -> bool:
    platform, service = start.launch.platform, start.launch.service
    nodes = [service.get(key) for key in ("tmpfs", "volumes")] if service is not None else []
    if isinstance(platform, Pod):
        nodes = [platform.node.get("volumeMounts")]
    elif isinstance(platform, Task):
        nodes = [get(platform.node, "mountPoints"), get(platform.node, "linuxParameters", "tmpfs")]
    for node in nodes:
        texts = node.texts() if node is not None else []
        for each in node.elements if node is not None else ():
            found = [get(each, key) for key in ("target", "mountPath", "containerPath")]
            texts += [one.text or "" for one in found if one is not None]
        if any(part.rstrip("/") in _TEMPORARY for text in texts for part in text.split(":")):
            return True
    return False
