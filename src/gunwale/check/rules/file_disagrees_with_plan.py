"""A file of the deployment says something else than the plan.

[tool.gunwale] is what the project means; the files are what runs.
Where they differ, one of them is out of date: a review reads the one, production does the other, and every
number that was worked out from the plan (a stop timeout, a connection budget) is wrong.

Compared is what the plan itself gives, and the hop counts that its chain comes to: addresses, application,
server settings, stop timeout, tasks, deregistration delay, CPU and memory, user, Python, health paths,
trusted hosts, cookies, hop counts, body limit and idle timeout of the last proxy, and the database's
connections.
What a file takes from its environment is not.
`gunwale render` writes the files from the plan, and `gunwale render --check` says whether they are in step.

## Example: the image's command and the plan

Flagged at `Dockerfile:4`.
Flagged at `compose.yaml:4`.

```toml pyproject.toml
[tool.gunwale]
app = "shop:create_app()"

[tool.gunwale.serve]
workers = 4

[tool.gunwale.rollout]
platform = "docker"
stop_timeout = "60s"
```

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "shop:create_app()"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_grace_period: 20s
```

```python shop/__init__.py
from flask import Flask


def create_app():
    return Flask(__name__)
```

## Example: ProxyFix counts other hops than the chain has

Flagged at `app.py:5`.

```toml gunwale.toml
app = "app:app"

[proxies]
chain = ["cloudflare", "nginx-proxy-add"]
```

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
```

```text Procfile
web: gunicorn app:app
```

## Example: another port than the plan's, and another path for readiness

Flagged at `deploy/web.yaml:12`.
Flagged at `Dockerfile:3`.

```toml pyproject.toml
[tool.gunwale.serve]
bind = ["0.0.0.0:8080"]

[tool.gunwale.health]
readiness_path = "/ready"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
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
            httpGet: {path: /health, port: 8000}
          readinessProbe:
            httpGet: {path: /status, port: 8000}
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: one truth

```toml pyproject.toml
[tool.gunwale]
app = "shop:create_app()"

[tool.gunwale.serve]
workers = 4
bind = [":8000"]

[tool.gunwale.rollout]
platform = "docker"
stop_timeout = "60s"
```

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "shop:create_app()"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_grace_period: 1m
```

```python shop/__init__.py
from flask import Flask


def create_app():
    return Flask(__name__)
```

## Use instead: what another platform is told

```toml pyproject.toml
[tool.gunwale]
app = "app:app"

[tool.gunwale.rollout]
platform = "kubernetes"
stop_timeout = "60s"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_grace_period: 20s
```

```python app.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.planned import disagreements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SERVER, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Compare every value that the plan gives with what the files say of it."""
    seen = set()
    for each in disagreements(project):
        if (each.key, each.at) not in seen:
            seen.add((each.key, each.at))
            yield Finding(
                at=each.at,
                message=f"{each.key} is {each.here} here, and {each.planned} in the plan",
                hint="change the one that is out of date; gunwale render writes the files from the plan",
                because=(Because(each.planned_at, "the plan says so"),),
            )
