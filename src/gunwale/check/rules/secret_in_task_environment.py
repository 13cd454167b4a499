"""A password or key is written in the environment of a task or pod.

It is in the repository, in the console, and in every answer to "describe": of ECS the task definition, of
Kubernetes the pod. Both can take the value from a store instead, by its name.

## Example: ECS

Flagged at `task-definition.json:7`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```json task-definition.json
{
  "containerDefinitions": [
    {
      "name": "web",
      "image": "registry.example/web:1",
      "environment": [
        {"name": "SECRET_KEY", "value": "8f42a73054b1749f"},
        {"name": "LOG_LEVEL", "value": "info"}
      ]
    }
  ]
}
```

## Example: Kubernetes

Flagged at `deploy/web.yaml:11`.

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
          env:
            - name: DB_PASSWORD
              value: hunter2
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: Terraform, by a variable

Flagged at `main.tf:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```hcl main.tf
resource "aws_ecs_task_definition" "web" {
  container_definitions = jsonencode([{
    name  = "web"
    image = "${var.repository}:latest"
    environment = [{ name = "DB_PASSWORD", value = var.db_password }]
  }])
}
```

## Use instead: by name

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```json task-definition.json
{
  "containerDefinitions": [
    {
      "name": "web",
      "image": "registry.example/web:1",
      "secrets": [{"name": "SECRET_KEY", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/key"}]
    }
  ]
}
```

## Use instead: by reference

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
          env:
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef: {name: web, key: db}
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
from gunwale.project.readers.ecs_task import get
from gunwale.project.secrets import credentials, is_secret
from gunwale.project.start_path import starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at what each container of ECS and Kubernetes is given by value."""
    for start in project.derive(starts):
        platform = start.launch.platform
        if isinstance(platform, Pod):
            variables, store = platform.node.get("env"), "valueFrom, secretKeyRef"
        elif isinstance(platform, Task):
            variables, store = get(platform.node, "environment"), "secrets, valueFrom"
        else:
            continue
        for each in variables.elements if variables else ():
            name, value = get(each, "name"), get(each, "value")
            if name is None or value is None or not name.text:
                continue
            is_url = credentials(value.text) is not None
            # A parameter of the stack is in the task definition as plain as what is written there.
            is_parameter = isinstance(platform, Task) and (value.text or "").startswith("$")
            if is_url or is_secret(name.text, "given" if is_parameter else value.text):
                what = "a URL with a password" if is_url else "a secret"
                yield Finding(
                    at=name.at,
                    message=f"{name.text} gives the container {what} in plain text",
                    hint=f"take it from a store by {store}; change this one",
                )
