"""The preStop hook takes the whole grace period, so the server is killed as soon as it hears of its end.

Kubernetes starts the clock before preStop. When it runs out the container gets SIGKILL, whatever it is doing:
here it never has time to finish a request.

## Example: as long as the period

Flagged at `deploy/web.yaml:12`.

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
          lifecycle:
            preStop:
              exec: {command: ["sh", "-c", "sleep 30"]}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: room for preStop and for the requests

```yaml deploy/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: web
          image: registry.example/web:1
          lifecycle:
            preStop:
              sleep: {seconds: 10}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts
from gunwale.project.stopping import grace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TIMEOUTS, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Compare how long preStop sleeps and the grace period."""
    for start in project.derive(web_starts):
        found = grace(start)
        if found is not None and found.held_at is not None and found.held >= found.said:
            yield Finding(
                at=found.held_at,
                message=f"preStop takes {found.held:g} s of a grace period of {found.said:g} s",
                hint="set terminationGracePeriodSeconds to preStop, graceful_timeout and a few seconds",
                because=(Because(found.at, "the grace period"),) if found.at else (),
            )
