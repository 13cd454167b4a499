"""FLASK_ENV=development switches debug mode on.

Until Flask 2.2 the variable alone does it, whatever starts the application: tracebacks instead of error
pages, and under Werkzeug's server the debugger, which runs any Python a visitor types.

## Example: in the image, with a Flask that reads it

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.10-slim
ENV FLASK_ENV=development
COPY . .
RUN pip install -r requirements.txt
CMD ["flask", "run"]
```

```text requirements.txt
Flask==2.0.1
```

## Example: in the service, under Gunicorn too

Flagged at `compose.yaml:5`.

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      - FLASK_ENV=development
```

```dockerfile Dockerfile
FROM python:3.10-slim
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```

```text requirements.txt
Flask==1.1.4
gunicorn==20.1.0
```

## Use instead: production, which is the default

```dockerfile Dockerfile
FROM python:3.10-slim
ENV FLASK_ENV=production
COPY . .
CMD ["gunicorn", "app:app"]
```

```text requirements.txt
Flask==2.0.1
gunicorn==20.1.0
```

## Use instead: a Flask that reads it no more

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_ENV=development
COPY . .
CMD ["gunicorn", "app:app"]
```

```text requirements.txt
Flask==3.1.2
gunicorn==27.0.1
```

## Use instead: FLASK_DEBUG, which goes first, is off

```dockerfile Dockerfile
FROM python:3.10-slim
ENV FLASK_ENV=development FLASK_DEBUG=0
COPY . .
CMD ["flask", "run"]
```

```text requirements.txt
Flask==2.0.1
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts
from gunwale.project.versions import may_be, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.DEBUG, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Join the environment of each start with the Flask that is required."""
    if may_be(project, "flask", 2, 3):
        return
    required = requirements(project, "flask")[0]
    seen: set[Place] = set()
    for start in project.derive(web_starts):
        given = start.environ.get("FLASK_ENV")
        if given is None or given.value.strip() != "development" or given.at in seen:
            continue
        seen.add(given.at)
        if "FLASK_DEBUG" not in start.environ:
            yield Finding(
                at=given.at,
                message="FLASK_ENV=development switches debug mode on in production",
                hint="leave FLASK_ENV out: production is the default",
                because=(Because(required.at, f"Flask {required.specifier} reads it"),),
            )
