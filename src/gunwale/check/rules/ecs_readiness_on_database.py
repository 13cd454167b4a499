"""The check by which Amazon ECS judges a task asks the database, and ECS stops tasks that fail it.

ECS knows no "not ready": a task whose target or container check fails is replaced. When the database does
not answer, every task is stopped and started again for as long as it lasts, and the load of
starting comes on top.

## Example: the container's check

Flagged at `task.json:6`.

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

```json task.json
{
  "containerDefinitions": [
    {
      "name": "web",
      "image": "registry.example/web:1",
      "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8000/health"]}
    }
  ]
}
```

## Use instead: a path that answers by itself

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

```json task.json
{
  "containerDefinitions": [
    {
      "name": "web",
      "image": "registry.example/web:1",
      "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8000/alive"]}
    }
  ]
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import ECS
from gunwale.project.probed import TARGET_GROUP, views
from gunwale.project.python.dependencies import dependency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Follow each check of ECS and its target groups to its function, and look for what that asks."""
    for each, route in views(project, ECS, TARGET_GROUP):
        call = dependency(route)
        if call is not None:
            yield Finding(
                at=each.at,
                message=f"ECS asks {each.path}, which asks another service: an outage there stops all",
                hint="ask a path that answers by itself; report dependencies by metrics",
                because=(Because(route.file.at(call), "the other service is asked here"),),
            )
