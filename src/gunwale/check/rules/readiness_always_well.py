"""The view that tells readiness catches the failure that it looks for, and answers 200.

The database is down, the view says so in its text, and its status says that all is well.
No probe reads the text: traffic goes on to a task that cannot answer it.

## Example: the except branch returns without a status

Flagged at `app.py:13`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


@app.get("/ready")
def ready():
    try:
        db.session.execute(db.text("select 1"))
    except Exception as error:
        return {"status": "down", "error": str(error)}
    return {"status": "up"}
```

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

## Use instead: 503

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


@app.get("/ready")
def ready():
    try:
        db.session.execute(db.text("select 1"))
    except Exception as error:
        return {"status": "down", "error": str(error)}, 503
    return {"status": "up"}
```

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

## Use instead: liveness, which is not about the database

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


@app.get("/health")
def health():
    try:
        db.session.execute(db.text("select 1"))
    except Exception as error:
        return {"database": str(error)}
    return {"database": "up"}
```

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
          livenessProbe:
            httpGet: {path: /health, port: 8000}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import READINESS
from gunwale.project.probed import views
from gunwale.project.python.dependencies import hidden_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.WARNING, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Follow each readiness probe to its view, and look at what it returns when it has caught a failure."""
    for each, route in views(project, READINESS):
        node = hidden_failure(route)
        if node is not None:
            yield Finding(
                at=route.file.at(node),
                message="readiness answers 200 when what it asks has failed",
                hint="return …, 503",
                because=(Because(each.at, f"{each.path} is asked here"),),
            )
