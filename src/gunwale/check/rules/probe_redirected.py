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
from gunwale.project.facts import Given
from gunwale.project.health import LIVENESS, READINESS, STARTUP, checks
from gunwale.project.probed import TARGET_GROUP, asked, is_answered_before, redirecting
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.target_groups import accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.probed import Asked

RULE = About(Topic.PROBES, Severity.ERROR)
_FORCING = re.compile(r"flask_(?:talisman\.(?:talisman\.)?(?:Talisman|GCSPTalisman)|sslify\.SSLify)")
_CURL = re.compile(r"\bcurl\b")
_FOLLOWS = re.compile(r"--location\b|\s-[a-zA-Z]*L")
_FOLLOWING = re.compile(
    r"\burlopen\b|\brequests\.(?:get|head)\b|\bwget\b|\bcurl\b.*(?:--location\b|\s-[a-zA-Z]*L)"
)


def check(project: Project) -> Iterator[Finding]:
    """Look at what answers each path that is asked, and at what asks: what it makes of a redirect."""
    forcing, seen = _forcing(project), set()
    for each in project.derive(asked):
        if each.at in seen or is_answered_before(project, each.path):
            continue
        route = redirecting(project, each)
        found = None
        if route is not None:
            found = _by_slash(project, each, Because(route.at, "the rule ends in a slash: without it, 308"))
        elif forcing is not None:
            found = _by_https(project, each, Because(forcing, "http is answered with a redirect to https"))
        if found is not None:
            seen.add(each.at)
            yield found


def _by_slash(project: Project, each: Asked, because: Because) -> Finding | None:
    hint = f"ask {each.path}/"
    if each.by == TARGET_GROUP and accepted(project, each.at, 308) is False:
        message = f"{each.path} is answered 308, which the target group takes for unhealthy"
        return Finding(at=each.at, message=message, hint=hint, because=(because,))
    command = _command(each)
    if _CURL.search(command) and not _FOLLOWS.search(command):
        message = f"{each.path} is answered 308, which curl takes for well: the view is never asked"
        return Finding(
            at=each.at,
            message=message,
            hint=f"{hint}, or --location",
            because=(because,),
            severity=Severity.NOTE,
        )
    return None


def _by_https(project: Project, each: Asked, because: Because) -> Finding | None:
    """A probe and whatever follows redirects go on to https, at a port that speaks plain HTTP."""
    if each.by == TARGET_GROUP:
        fails = accepted(project, each.at, 301, 302) is False
    elif each.by in (LIVENESS, READINESS, STARTUP):
        fails = "https" not in _command(each).lower()
    else:
        command = _command(each)
        fails = _FOLLOWING.search(command) is not None and "https" not in command.lower()
    return (
        Finding(
            at=each.at,
            message=f"{each.path} is answered with a redirect to https, so the check fails",
            hint="force https in the proxy, or take the check's path out of what forces it",
            because=(because,),
            confidence=Confidence.LIKELY,
        )
        if fails
        else None
    )


def _command(each: Asked) -> str:
    """Return the text of the check that asks, with the fields that a probe sends."""
    for one in checks(each.start):
        if one.at == each.at:
            fields = one.node.get("httpGet") if one.node is not None else None
            return " ".join([one.command, *(node.text or "" for node in (fields.walk() if fields else ()))])
    return ""


def _forcing(project: Project) -> Place | None:
    """Return what redirects every plain request to https, where nothing takes a view out of it."""
    found = None
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            forced = call.argument("force_https")
            if forced is not None:
                given = value(project, file, forced)
                if not isinstance(given, Given) or given.value is not True or given.variables:
                    return None
            if call.argument("skips") is not None or call.tests:
                continue
            if _FORCING.fullmatch(call.name) and (call.node.args or call.node.keywords):
                found = found or call.at
    return found
