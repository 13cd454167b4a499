"""A health check asks for a path that the application does not have.

The answer is 404: no pod becomes ready, no target healthy, and whoever waits for it restarts the container
for ever.

## Example: a probe

Flagged at `deploy/web.yaml:10`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"
```

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

## Example: the target group of a load balancer

Flagged at `main.tf:14`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"
```

```hcl main.tf
resource "aws_ecs_task_definition" "web" {
  container_definitions = jsonencode([{
    name         = "web"
    image        = var.image
    portMappings = [{ containerPort = 8000 }]
  }])
}

resource "aws_lb_target_group" "web" {
  port     = 8000
  protocol = "HTTP"

  health_check {
    path = "/"
  }
}
```

## Example: there is a page at the root, and nothing else

Flagged at `deploy/web.yaml:10`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "hello"
```

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
            httpGet: {path: /healthz, port: 8000}
```

## Use instead: a path of the application

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"
```

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
          readinessProbe:
            httpGet: {path: /health, port: 8000}
```

## Use instead: below a blueprint's prefix

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Blueprint, Flask

api = Blueprint("api", __name__, url_prefix="/api")
app = Flask(__name__)


@api.get("/<name>/health")
def health(name):
    return "ok"


app.register_blueprint(api)
```

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
          readinessProbe:
            httpGet: {path: /api/web/health, port: 8000}
```

## Use instead: answered before the routes are asked

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.before_request
def ready():
    if request.path == "/ready":
        return "ok"


@app.get("/")
def index():
    return "hello"
```

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.probed import answering, asked
from gunwale.project.python.hooks import is_named
from gunwale.project.python.routes import routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Compare each path that is asked for with the routes, where all of them are known."""
    for each in project.derive(asked):
        found = answering(project, each)
        if found is None or found or is_named(project, each.path):
            continue
        first = project.derive(routes)[0]
        rules = sorted({str(route.rule) for route in project.derive(routes)})
        yield Finding(
            at=each.at,
            message=f"{each.by} asks for {each.path}, which no route answers: 404",
            hint=f"ask for one of {', '.join(rules)[:80]}, or add a route",
            because=(Because(first.at, "the routes are here"),),
        )
