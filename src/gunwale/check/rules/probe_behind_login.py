"""The health check asks a path that wants a login.

No check signs in, so it is answered 401, or 302 to the login page.
A target group takes both for unhealthy, and no task gets traffic; a probe fails on 401, and follows 302 to a
page that says nothing of the application's health.

## Example: a view that is decorated

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
            httpGet: {path: /status, port: 8000}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_login import login_required

app = Flask(__name__)


@app.get("/status")
@login_required
def status():
    return "ok"
```

## Example: a hook that sends everybody to the login

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -fsS http://localhost:8000/health
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask, abort
from flask_login import current_user

app = Flask(__name__)


@app.before_request
def signed_in():
    if not current_user.is_authenticated:
        abort(401)


@app.get("/health")
def health():
    return "ok"
```

## Use instead: a view of its own, for everybody

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -fsS http://localhost:8000/health
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_login import login_required

app = Flask(__name__)


@app.get("/status")
@login_required
def status():
    return "ok"


@app.get("/health")
def health():
    return "ok"
```

## Use instead: a hook that lets the check's endpoint through

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -fsS http://localhost:8000/health
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask, abort, request
from flask_login import current_user

app = Flask(__name__)


@app.before_request
def signed_in():
    if request.endpoint != "health" and not current_user.is_authenticated:
        abort(401)


@app.get("/health")
def health():
    return "ok"
```

## Use instead: the hook of a blueprint, which is for its own views

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
HEALTHCHECK CMD curl -fsS http://localhost:8000/health
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "wsgi:application"]
```

```python wsgi.py
from flask import Flask

from admin import app

application = Flask(__name__)
application.register_blueprint(app)


@application.get("/health")
def health():
    return "ok"
```

```python admin.py
from flask import Blueprint, abort
from flask_login import current_user

app = Blueprint("admin", __name__)


@app.before_request
def signed_in():
    if not current_user.is_authenticated:
        abort(401)
```

## Use instead: a check that signs in

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -fsS -H "Authorization: Bearer $PROBE_TOKEN" http://localhost:8000/status
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask
from flask_jwt_extended import jwt_required

app = Flask(__name__)


@app.get("/status")
@jwt_required()
def status():
    return "ok"
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.probed import TARGET_GROUP, answering, reaching
from gunwale.project.python.logins import login_wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.probed import Asked

RULE = About(Topic.PROBES, Severity.ERROR)
_SIGNING_IN = re.compile(r"authorization|x-api-key|\s-u\s|--user\b|cookie", re.IGNORECASE)
_CURL, _FAILS = re.compile(r"\bcurl\b"), re.compile(r"--fail|\s-[a-zA-Z]*f")


def check(project: Project) -> Iterator[Finding]:
    """Look at what every route that may answer a check wants of its client."""
    for each in project.derive(reaching):
        at = login_wanted(project, answering(project, each) or ())
        if at is not None and not _is_well_with_it(each):
            who = TARGET_GROUP if each.group is not None else "the check"
            yield Finding(
                at=each.at,
                message=f"{each.path} wants a login, and {who} has none",
                hint="ask a path of its own that wants no login, and that answers nothing but its health",
                because=(Because(at, "a login is wanted here"),),
            )


def _is_well_with_it(each: Asked) -> bool:
    """Whether the check sends anything that may be a login, or takes its refusal for well."""
    if each.group is not None:
        return not each.group.refuses(302, 401)
    command = each.check.command if each.check is not None else ""
    if _CURL.search(command) and not _FAILS.search(command):
        return True  # which is another rule's
    return _SIGNING_IN.search(each.sent) is not None
