"""A roll-out may take every running copy away before a new one answers.

With maxUnavailable 100 %, or minimumHealthyPercent 0 without room for more, the platform stops the old ones
first: every deployment is an outage as long as a start, and a broken version is one without an end.

## Example: Kubernetes

Flagged at `deploy/web.yaml:8`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml deploy/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  strategy:
    rollingUpdate:
      maxUnavailable: 100%
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
```

## Example: ECS

Flagged at `stack.yaml:7`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml stack.yaml
Resources:
  Service:
    Type: AWS::ECS::Service
    Properties:
      DesiredCount: 1
      DeploymentConfiguration:
        MinimumHealthyPercent: 0
        MaximumPercent: 100
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: web
          Image: registry.example/web:1
```

## Use instead: a new one first

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml deploy/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  strategy:
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.containers import Pod
from gunwale.project.readers.ecs_task import EcsFile, get
from gunwale.project.roles import of_production
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.syntax.yaml import Node

RULE = About(Topic.CAPACITY, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Compare what a roll-out may take away with what runs."""
    seen = set()
    for start in project.derive(web_starts):
        platform = start.launch.platform
        if isinstance(platform, Pod):
            node = platform.controller.node
            said = node.get("spec", "strategy", "rollingUpdate", "maxUnavailable")
            replicas = node.get("spec", "replicas")
            is_all = said is not None and said.text in ("100%", replicas.text if replicas else "1")
            if said is not None and is_all and said.text != "0" and said.at not in seen:
                seen.add(said.at)
                yield _finding(said, f"maxUnavailable {said.text}", "maxUnavailable: 0 and maxSurge: 1")
    files = {each.path: each for each in project.of(EcsFile)}
    for path in of_production(files):
        for each in files[path].resources:
            low = get(each.node, "deploymentConfiguration", "minimumHealthyPercent")
            high = get(each.node, "deploymentConfiguration", "maximumPercent")
            count = get(each.node, "desiredCount")
            is_one = count is None or count.text == "1"
            if low is not None and low.text == "0" and (is_one or (high is not None and high.text == "100")):
                yield _finding(low, "minimumHealthyPercent 0", "100, with maximumPercent 200")


def _finding(node: Node, what: str, instead: str) -> Finding:
    message = f"{what}: a roll-out stops all that runs before anything new answers"
    return Finding(at=node.at, message=message, hint=f"write {instead}")
