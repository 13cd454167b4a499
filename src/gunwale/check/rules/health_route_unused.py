"""The application has a route for its health, and nothing asks it.

Somebody wrote it so that a platform could tell a live container from a dead one.
No HEALTHCHECK, no probe and no load balancer of this project asks for it, so it tells nobody.
It is a note: a monitor outside the project may ask.

## Example: a route, and a check of another one

Flagged at `app.py:11`.

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "hello"


@app.get("/health")
def health():
    return "ok"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -fsS http://localhost:8000/
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: the check asks it

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -fsS http://localhost:8000/health
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: a proxy asks it

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```caddy Caddyfile
shop.example.com {
        reverse_proxy web:8000 {
                health_uri /health
        }
}
```

## Use instead: no container that anything could check

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"
```

```text Procfile
web: gunicorn app:app
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.routes import routes
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.HEALTHCHECK, Severity.NOTE)
_HEALTH = re.compile(
    r"(?:[\w/-]*/)?_?(?:health(?:[_-]?checks?|z)?|livez|liveness|readyz?|readiness|heartbeat)"
)
# Files that may ask: by their names' ends, or as a whole.
_ENDS = (
    ".yaml",
    ".yml",
    ".tf",
    ".tfvars",
    ".conf",
    ".cfg",
    ".toml",
    ".sh",
    ".ini",
    ".template",
    ".tmpl",
    ".j2",
)
_NAMES = re.compile(
    r"(?i)(?:.*/)?(?:[\w.-]*dockerfile[\w.-]*|caddyfile|procfile|makefile|task[\w-]*\.json|app\.json)"
)


def check(project: Project) -> Iterator[Finding]:
    """Look for the route's path in every file that may say what is asked."""
    starts = [start for start in project.derive(web_starts) if start.launch.is_container]
    if not starts or any(start.is_gunwale for start in starts):
        return  # gunwale asks it itself
    own = [
        each for each in project.derive(routes) if each.rule and _HEALTH.search(f"/{each.rule.strip('/')}")
    ]
    if not own:
        return
    said = _said(project)
    for each in own:
        word = (each.rule or "").strip("/").rpartition("/")[2]
        if not re.search(rf"\b{re.escape(word)}\b", said):
            yield Finding(
                at=each.at,
                message=f"{each.rule} tells the application's health, and nothing of the project asks it",
                hint="ask it in HEALTHCHECK, in a probe or in the load balancer's check",
                because=(Because(starts[0].launch.at, "this could ask it"),),
            )


def _said(project: Project) -> str:
    texts = []
    for path in project.tree.files:
        if path.endswith(_ENDS) or _NAMES.fullmatch(path):
            source = project.source(path)
            texts += [source.text] if source is not None else []
    return "\n".join(texts)
