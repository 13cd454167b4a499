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

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.health import checks
from gunwale.project.probed import is_answered_before
from gunwale.project.python.client_facts import corrections
from gunwale.project.python.configuration import named
from gunwale.project.start_path import web_starts
from gunwale.project.target_groups import behind, target_groups
from gunwale.project.versions import may_be

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.health import Check
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.TRUSTED_HOSTS, Severity.ERROR)
_FIELD = re.compile(r"\bhost[\"']?\s*:", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    """Compare the host of each check's address with the list, where all of the list is known."""
    trusted = _trusted(project)
    if trusted is None or not may_be(project, "flask", 3, 1) or project.derive(corrections):
        return
    at, hosts = trusted
    seen = set()
    for refused in (*_by_checks(project, hosts), *_by_target_groups(project)):
        if refused.at not in seen and not is_answered_before(project, refused.path):
            seen.add(refused.at)
            yield Finding(
                at=refused.at,
                message=f"the check asks {refused.who}, which TRUSTED_HOSTS does not hold: it gets 400",
                hint=refused.hint,
                because=(Because(at, "only these hosts are answered"),),
            )


class _Refused(NamedTuple):
    at: Place
    path: str
    who: str
    hint: str


def _by_checks(project: Project, hosts: list[str]) -> Iterator[_Refused]:
    for start in project.derive(web_starts):
        for each in checks(start) if not _is_gunwale(start) else ():
            request = each.request
            if request is None or "$" in request.host or _sends_host(each) or _is_in(request.host, hosts):
                continue
            added = f", or add {request.host!r} to TRUSTED_HOSTS" if request.host else ": httpHeaders"
            hint = f"send a trusted Host with the check{added}"
            yield _Refused(each.at, request.path, request.host or "the pod's address", hint)


def _by_target_groups(project: Project) -> Iterator[_Refused]:
    """The Host is the target's address and the check's port, and cannot be set."""
    for group in project.derive(target_groups):
        start = behind(project, group)
        if start is None or _is_gunwale(start) or not group.asks_by_http or group.accepts(400) is not False:
            continue
        path, at = ((group.path.text or ""), group.path.at) if group.path else ("/", group.at)
        hint = (
            f"answer {path} before Flask looks at the Host: in a before_request hook, a middleware or gunwale"
        )
        if path.startswith("/"):
            yield _Refused(at, path, "the task's address", hint)


def _is_gunwale(start: Start) -> bool:
    return start.server is not None and start.server.name == "gunwale"


def _sends_host(check: Check) -> bool:
    """Whether the check says itself what Host it sends."""
    fields = check.node.get("httpGet", "httpHeaders") if check.node else None
    names = [name.text or "" for each in (fields.elements if fields else ()) if (name := each.get("name"))]
    return _FIELD.search(check.command) is not None or "host" in [name.lower() for name in names]


def _trusted(project: Project) -> tuple[Place, list[str]] | None:
    """Return every host that any setting of TRUSTED_HOSTS gives; None where one is not known."""
    found = named(project, "TRUSTED_HOSTS")
    hosts: list[str] = []
    for each in found:
        value = each.value
        if not isinstance(value, Given) or not isinstance(value.value, list | tuple) or value.variables:
            return None
        hosts += [str(host) for host in value.value]
    return (found[0].at, hosts) if hosts else None


def _is_in(host: str, hosts: list[str]) -> bool:
    names = [each.rpartition(":")[0] or each for each in hosts]
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in names)
