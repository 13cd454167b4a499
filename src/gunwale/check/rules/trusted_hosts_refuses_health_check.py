"""TRUSTED_HOSTS refuses the health check, which asks by an address that is not in it.

Since Flask 3.1 a request whose Host is not among TRUSTED_HOSTS is answered 400.
A check of 127.0.0.1 or localhost sends just that as its Host, so the container never turns healthy.

## Example: the check asks localhost

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Example: Kubernetes asks by the pod's address

Flagged at `deployment.yaml:15`.

```yaml deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: shop
          readinessProbe:
            httpGet:
              path: /ready
              port: 8000
```

```dockerfile shop/Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python shop/app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Example: a target group, which asks by the task's address

An Application Load Balancer cannot be told what Host to send.

Flagged at `main.tf:6`.

```terraform main.tf
resource "aws_lb_target_group" "web" {
  port     = 8000
  protocol = "HTTP"

  health_check {
    path = "/health"
  }
}

resource "aws_ecs_task_definition" "web" {
  family = "web"

  container_definitions = jsonencode([{
    name         = "web"
    image        = "registry.example/web:1"
    portMappings = [{ containerPort = 8000 }]
  }])
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Example: a target group of CloudFormation, with the default path

Flagged at `template.yaml:5`.

```yaml template.yaml
Resources:
  TargetGroup:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      Port: 8000
      Protocol: HTTP
      TargetType: ip
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: web
          Image: registry.example/web:1
          PortMappings: [{ContainerPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: a hook that answers the target group before Flask looks at the Host

```terraform main.tf
resource "aws_lb_target_group" "web" {
  port     = 8000
  protocol = "HTTP"

  health_check {
    path = "/health"
  }
}

resource "aws_ecs_task_definition" "web" {
  family = "web"

  container_definitions = jsonencode([{
    name         = "web"
    image        = "registry.example/web:1"
    portMappings = [{ containerPort = 8000 }]
  }])
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask, request

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]


@app.before_request
def health():
    if request.path == "/health":
        return "ok"
```

## Use instead: a target group that only opens a connection

```terraform main.tf
resource "aws_lb_target_group" "web" {
  port     = 8000
  protocol = "TCP"
}

resource "aws_ecs_task_definition" "web" {
  family = "web"

  container_definitions = jsonencode([{
    name         = "web"
    image        = "registry.example/web:1"
    portMappings = [{ containerPort = 8000 }]
  }])
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: the Host of the site

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f -H "Host: shop.example.com" http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: the name that the check asks by is trusted as well

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com", "localhost"]
```

## Use instead: a Flask that does not know the setting

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

```text requirements.txt
flask==3.0.3
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.hosts import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUSTED_HOSTS, Severity.ERROR)
_BEFORE = "before Flask looks at the Host: in a before_request hook, a middleware or gunwale"


def check(project: Project) -> Iterator[Finding]:
    """Compare the host of each check's address with the list, where all of the list is known."""
    for each, trusted in refused(project):
        if each.group is not None:
            who, hint = "the task's address", f"answer {each.path} {_BEFORE}"
        elif each.host:
            who = each.host
            hint = f"send a trusted Host with the check, or add {who!r} to TRUSTED_HOSTS"
        else:
            who, hint = "the pod's address", "send a trusted Host with the check: httpHeaders"
        yield Finding(
            at=each.at,
            message=f"the check asks {who}, which TRUSTED_HOSTS does not hold: it gets 400",
            hint=hint,
            because=(Because(trusted.at, "only these hosts are answered"),),
        )
