"""A container on Kubernetes has no readiness probe, or no probe at all; a task of ECS is asked by nobody.

Without a readiness probe a pod gets traffic as soon as its process exists, and a roll-out goes on while
nothing answers: the old version is gone before the new one is known to work.
Without a liveness probe a server that hangs is never started again.

## Example: none

Flagged at `deploy/web.yaml:8`.

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
          ports: [{containerPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: a task of ECS that nothing asks

Flagged at `main.tf:3`.

```hcl main.tf
resource "aws_ecs_task_definition" "web" {
  container_definitions = jsonencode([
    {
      name  = "web"
      image = "registry.example/web:1"
    }
  ])
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD ["python", "-c", "import app"]
CMD ["gunicorn", "app:app"]
```

## Use instead: a target group

```hcl main.tf
resource "aws_ecs_task_definition" "web" {
  container_definitions = jsonencode([
    {
      name  = "web"
      image = "registry.example/web:1"
    }
  ])
}

resource "aws_lb_target_group" "web" {
  port = 8000
  health_check {
    path = "/ready"
  }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: liveness alone

Flagged at `deploy/web.yaml:8`.

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

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: both

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.containers import Pod, Task
from gunwale.project.health import ECS, READINESS, checks
from gunwale.project.readers.terraform import Terraform
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.PROBES, Severity.ERROR)
_TARGET_GROUPS = ("aws_lb_target_group", "aws_alb_target_group")


def check(project: Project) -> Iterator[Finding]:
    """Look at each container of Kubernetes that ends in a server."""
    for start in project.derive(web_starts):
        if isinstance(start.launch.platform, Task) and _is_unasked(project, start):
            yield Finding(
                at=start.launch.at,
                message="nothing asks the task whether it is well: no healthCheck and no target group",
                hint="add healthCheck to the container, or a target group with a path for readiness",
            )
        if not isinstance(start.launch.platform, Pod):
            continue
        found = {each.by for each in checks(start)}
        if READINESS not in found:
            what = "no readiness probe" if found else "no probes"
            yield Finding(
                at=start.launch.at,
                message=f"{what}: the pod gets traffic before anything answers",
                hint="add readinessProbe and livenessProbe, with a path of its own each",
            )


def _is_unasked(project: Project, start: Start) -> bool:
    """Whether Terraform makes the task, and nothing there asks it; ECS takes no notice of HEALTHCHECK."""
    files = project.of(Terraform)
    return start.launch.kind == "terraform" and not (
        any(each.by == ECS for each in checks(start))
        or any(True for file in files for kind in _TARGET_GROUPS for _ in file.resources(kind))
        or any(block.kind == "module" for file in files for block in file.blocks)
    )
