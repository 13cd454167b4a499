"""The health check is answered with a redirect, so it fails, or sees nothing of the application.

A target group takes 200 for healthy and follows nothing: 301, 302 and 308 are unhealthy, and no task ever
gets traffic.
curl without --location takes the redirect itself for success, so that the view is never asked.
What follows a redirect to https asks for TLS on a port that speaks none, and fails.
Redirects come from a rule that ends in a slash, asked without it, and from extensions that force https.

## Example: a rule with a slash, asked without

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


@app.get("/health/")
def health():
    return "ok"
```

## Example: https is forced, and kubelet follows to it

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app)


@app.get("/ready")
def ready():
    return "ok"
```

## Use instead: the path as it is routed

```terraform main.tf
resource "aws_lb_target_group" "web" {
  port     = 8000
  protocol = "HTTP"

  health_check {
    path = "/health/"
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


@app.get("/health/")
def health():
    return "ok"
```

## Use instead: a probe follows to the same host, where the view answers

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/ready/")
def ready():
    return "ok"
```

## Use instead: the probe says that its client came by https

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
          readinessProbe:
            httpGet:
              path: /ready
              port: 8000
              httpHeaders: [{name: X-Forwarded-Proto, value: https}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app)


@app.get("/ready")
def ready():
    return "ok"
```

## Use instead: https is the proxy's to force

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://localhost:8000/ready', timeout=2)"
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app, force_https=False)


@app.get("/ready")
def ready():
    return "ok"
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.probed import reaching, redirecting
from gunwale.project.python.forced_https import forced_https

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.probed import Asked

RULE = About(Topic.PROBES, Severity.ERROR)
_CURL = re.compile(r"\bcurl\b")
_FOLLOWS = re.compile(r"--location\b|\s-[a-zA-Z]*L")


def check(project: Project) -> Iterator[Finding]:
    """Look at what answers each path that is asked, and at what asks: what it makes of a redirect."""
    forcing = project.derive(forced_https)
    for each in project.derive(reaching):
        route = redirecting(project, each)
        if route is not None:
            yield from _by_slash(each, Because(route.at, "the rule ends in a slash: without it, 308"))
        elif forcing is not None:
            yield from _by_https(each, Because(forcing, "http is answered with a redirect to https"))


def _by_slash(each: Asked, because: Because) -> Iterator[Finding]:
    hint = f"ask {each.path}/"
    if each.group is not None and each.group.refuses(308):
        message = f"{each.path} is answered 308, which the target group takes for unhealthy"
        yield Finding(at=each.at, message=message, hint=hint, because=(because,))
    elif _CURL.search(each.sent) and not _FOLLOWS.search(each.sent):
        yield Finding(
            at=each.at,
            message=f"{each.path} is answered 308, which curl takes for well: the view is never asked",
            hint=f"{hint}, or --location",
            because=(because,),
            severity=Severity.NOTE,
        )


def _by_https(each: Asked, because: Because) -> Iterator[Finding]:
    """A probe and whatever follows redirects go on to https, at a port that speaks plain HTTP."""
    is_following = each.check is not None and each.check.follows
    is_refused = each.group is not None and each.group.refuses(301, 302)
    if is_refused or (is_following and "https" not in each.sent.lower()):
        yield Finding(
            at=each.at,
            message=f"{each.path} is answered with a redirect to https, so the check fails",
            hint="force https in the proxy, or take the check's path out of what forces it",
            because=(because,),
            confidence=Confidence.LIKELY,
        )
