"""The liveness probe asks the database, or another service, and restarts the pod where that does not answer.

When the database is slow, every pod is restarted at once, again and again, while it recovers: the outage is
of our own making. Liveness is about the process alone; what depends on others is readiness.

## Example: a query

Flagged at `deploy/web.yaml:10`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


@app.get("/health")
def health():
    db.session.execute(db.text("select 1"))
    return "ok"


@app.get("/alive")
def alive():
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
          livenessProbe:
            httpGet: {path: /health, port: 8000}
```

## Use instead: readiness asks it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


@app.get("/health")
def health():
    db.session.execute(db.text("select 1"))
    return "ok"


@app.get("/alive")
def alive():
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
          livenessProbe:
            httpGet: {path: /alive, port: 8000}
          readinessProbe:
            httpGet: {path: /health, port: 8000}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import LIVENESS
from gunwale.project.probed import views
from gunwale.project.python.dependencies import dependency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Follow each liveness probe to its function, and look for what that asks."""
    for each, route in views(project, LIVENESS):
        call = dependency(route)
        if call is not None:
            yield Finding(
                at=each.at,
                message=f"liveness asks {each.path}, and that another service: its outage restarts all",
                hint="ask a path that answers by itself, and this one in readinessProbe",
                because=(Because(route.file.at(call), "the other service is asked here"),),
            )
