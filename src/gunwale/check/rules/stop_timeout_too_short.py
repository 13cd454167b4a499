"""The platform kills the server sooner than the server lets its requests end.

Gunicorn has up to graceful_timeout (30 seconds, if nothing is set) for the requests in flight. Where SIGKILL
comes before, they are cut at every deployment, and nobody sees why.
The grace period has to be longer, with all that happens before SIGTERM.

## Example: compose waits three seconds

Flagged at `compose.yaml:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_grace_period: 3s
```

## Example: Kubernetes, where preStop counts

Flagged at `deploy/web.yaml:7`.

```yaml deploy/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 40
      containers:
        - name: web
          image: registry.example/web:1
          lifecycle:
            preStop:
              sleep: {seconds: 15}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: a longer graceful_timeout than Docker's ten seconds

Flagged at `gunicorn.conf.py:1`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py gunicorn.conf.py ./
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
```

```python gunicorn.conf.py
graceful_timeout = 60
```

## Use instead: longer than graceful_timeout

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_grace_period: 40s
```

## Use instead: a shorter graceful_timeout

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--graceful-timeout", "2", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_grace_period: 3s
```

## Use instead: two defaults are for gunwale plan to bring together

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
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

RULE = About(Topic.TIMEOUTS, Severity.WARNING)
_GRACEFUL = 30  # seconds: Gunicorn's default


def check(project: Project) -> Iterator[Finding]:
    """Compare the platform's grace period and Gunicorn's, where one of them is written down."""
    for start in project.derive(web_starts):
        server, platform = start.server, grace(start)
        if server is None or server.name != "gunicorn" or platform is None or platform.left <= 0:
            continue
        graceful = server.number("graceful_timeout", _GRACEFUL)
        is_said = "graceful_timeout" in server.settings
        if graceful is None or platform.left >= graceful or not (platform.at or is_said):
            continue
        ours = server.setting_at("graceful_timeout")
        why = f"graceful_timeout is {graceful:g} s" + ("" if is_said else ", as nothing is set")
        held = f" less {platform.held:g} s of preStop" if platform.held else ""
        yield Finding(
            at=platform.at or ours,
            message=f"{platform.name} {platform.said:g} s{held} is shorter than Gunicorn's {graceful:g} s",
            hint=f"set {platform.name} to {graceful + platform.held + 5:g} s, or graceful_timeout lower",
            because=(Because(ours, why),) if platform.at else (Because(start.launch.at, "by default"),),
        )
