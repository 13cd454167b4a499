"""A health check may take longer than the time until the next one.

The answer to a slow check comes when the next has begun; where a server is slow, checks pile up when it can
least afford them.

## Example: a probe

Flagged at `deploy/web.yaml:10`.

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
            periodSeconds: 5
            timeoutSeconds: 30
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: an answer comes before the next question

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
          readinessProbe:
            httpGet: {path: /ready, port: 8000}
            periodSeconds: 5
            timeoutSeconds: 3
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import COMPOSE, HEALTHCHECK, checks, timing
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROBES, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Compare the two numbers of each check that says the longer one."""
    for start in project.derive(web_starts):
        for each in checks(start):
            if each.by in (COMPOSE, HEALTHCHECK):  # Docker asks again only when the last check has ended
                continue
            period, timeout = timing(each, "period"), timing(each, "timeout")
            if period is not None and timeout is not None and timeout > period:
                yield Finding(
                    at=each.at,
                    message=f"{each.by}: a timeout of {timeout:g} s, asked each {period:g} s",
                    hint="let the timeout be shorter than the period",
                )
