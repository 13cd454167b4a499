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

import ast
import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import checks
from gunwale.project.probed import TARGET_GROUP, answering, asked, is_answered_before, is_hook
from gunwale.project.python.applications import applications
from gunwale.project.readers.python import PythonFile, walk
from gunwale.project.roles import Role, role
from gunwale.project.target_groups import accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.probed import Asked
    from gunwale.project.python.routes import Route

RULE = About(Topic.PROBES, Severity.ERROR)
_WANTING = re.compile(
    r"(?:.*\.)?(?:(?:fresh_)?login_required|jwt_required|fresh_jwt_required|auth_required|token_required|"
    r"requires_auth|require_login|roles_required|roles_accepted|permission_required|admin_required)"
)
_SIGNING_IN = re.compile(r"authorization|x-api-key|\s-u\s|--user\b|cookie", re.IGNORECASE)
_CURL, _FAILS = re.compile(r"\bcurl\b"), re.compile(r"--fail|\s-[a-zA-Z]*f")
_ASKS_WHO = re.compile(r"(?:.*\.)?current_user\.is_authenticated|(?:.*\.)?session(?:\.get)?")
# What a hook looks at that lets some requests through.
_EXEMPTING = frozenset(
    [
        "endpoint",
        "path",
        "full_path",
        "blueprint",
        "blueprints",
        "url_rule",
        "view_functions",
        "url",
        "headers",
    ]
)


def check(project: Project) -> Iterator[Finding]:
    """Look at what every route that may answer a check wants of its client."""
    seen = set()
    guard = _guard(project)
    for each in project.derive(asked):
        if each.at in seen or is_answered_before(project, each.path) or _is_well_with_it(project, each):
            continue
        answers = answering(project, each)
        if not answers:
            continue
        wanting = [_wants(route) for route in answers]
        at = wanting[0] or guard
        if at is not None and (guard is not None or all(wanting)):
            seen.add(each.at)
            yield Finding(
                at=each.at,
                message=f"{each.path} wants a login, and {_who(each)} has none",
                hint="ask a path of its own that wants no login, and that answers nothing but its health",
                because=(Because(at, "a login is wanted here"),),
            )


def _who(each: Asked) -> str:
    return each.by if each.by == TARGET_GROUP else "the check"


def _is_well_with_it(project: Project, each: Asked) -> bool:
    """Whether the check sends anything that may be a login, or takes its refusal for well."""
    if each.by == TARGET_GROUP:
        return accepted(project, each.at, 302, 401) is not False
    for one in checks(each.start):
        if one.at == each.at:
            if _CURL.search(one.command) and not _FAILS.search(one.command):
                return True  # which is another rule's
            fields = one.node.get("httpGet") if one.node is not None else None
            texts = [one.command]
            texts += [key for node in (fields.walk() if fields else ()) for key in node.entries]
            texts += [node.text or "" for node in (fields.walk() if fields else ())]
            return _SIGNING_IN.search(" ".join(texts)) is not None
    return False


def _wants(route: Route) -> Place | None:
    """Return the decorator of *route* that wants a login; one with arguments may say that it need not be."""
    for each in route.function.decorator_list if route.function else ():
        node = each.func if isinstance(each, ast.Call) else each
        is_plain = not isinstance(each, ast.Call) or not any(key.arg == "optional" for key in each.keywords)
        if is_plain and _WANTING.fullmatch(route.file.name(node)):
            return route.file.at(each)
    return None


def _guard(project: Project) -> Place | None:
    """Return the hook before every request of the application that refuses whoever is not signed in."""
    names = {each.name for each in project.derive(applications)} | {"app"}
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT or "before_request" not in file.source.text:
            continue
        for function in file.functions.values():
            hooks = [file.name(each) for each in function.decorator_list]
            owners = {hook.rpartition(".")[0].rpartition(".")[2] for hook in hooks if is_hook(hook)}
            is_for_all = any(each in names and not _is_blueprint(file, each) for each in owners)
            if is_for_all and _refuses(file, function):
                return file.at(function)
    return None


def _is_blueprint(file: PythonFile, name: str) -> bool:
    """Whether *name* is a blueprint of the file, whose hooks are for its own views."""
    made = file.assigned.get(name)
    return isinstance(made, ast.Call) and file.name(made.func).endswith("Blueprint")


def _refuses(file: PythonFile, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    nodes = walk(function)
    asking = [file.name(node) for node in nodes if isinstance(node, ast.Attribute)]
    if not any(_ASKS_WHO.fullmatch(name) for name in asking if name):
        return False
    if any(isinstance(node, ast.Attribute) and node.attr in _EXEMPTING for node in nodes):
        return False
    called = {file.name(node.func).rpartition(".")[2] for node in nodes if isinstance(node, ast.Call)}
    return bool(called & {"abort", "redirect", "unauthorized"})
