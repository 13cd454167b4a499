"""The workers need more memory than the platform allows, so they are killed.

Each worker is a process with memory of its own.
Where all together pass the limit, the kernel kills one (exit 137, "OOMKilled"), often while it serves.
What a worker takes is not in the files; [tool.gunwale.resources] worker_memory says it where it was measured,
and nothing of Flask takes less than an application without any code: 15 MiB a worker of its own, 6 with
--preload, and 9 MiB for Gunicorn's master (private memory after 50 requests; Gunicorn 27.0.1, Flask 3.1.3,
Python 3.11.7, 2026-11-28).

## Example: 16 workers in 128 MiB

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "16", "app:app"]
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
          resources: {limits: {memory: 128Mi}}
```

## Example: as measured, four workers do not fit

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY pyproject.toml .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "app:app"]
```

```toml pyproject.toml
[tool.gunwale.resources]
worker_memory = "180MiB"
```

```yaml compose.yaml
services:
  web:
    build: .
    mem_limit: 512m
```

## Use instead: as many as fit

```dockerfile Dockerfile
FROM python:3.13-slim
COPY pyproject.toml .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "app:app"]
```

```toml pyproject.toml
[tool.gunwale.resources]
worker_memory = "180MiB"
```

```yaml compose.yaml
services:
  web:
    build: .
    mem_limit: 512m
```

## Use instead: a limit that a bare application would keep, where nothing was measured

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    mem_limit: 128m
```

## Use instead: a number of workers that the environment decides

```dockerfile Dockerfile
FROM python:3.13-slim
CMD gunicorn --bind 0.0.0.0:8000 --workers "$WORKERS" app:app
```

```yaml compose.yaml
services:
  web:
    build: .
    mem_limit: 64m
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale import units
from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.limits import memory_limit
from gunwale.project.readers.plan_file import PlanFile
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Server

RULE = About(Topic.WORKERS_MEM, Severity.ERROR, Confidence.LIKELY)
_MIB = 2**20
_MASTER, _BARE, _PRELOADED = 9 * _MIB, 15 * _MIB, 6 * _MIB  # the page says where they come from


def check(project: Project) -> Iterator[Finding]:
    """Compare workers times what one takes with the limit of each start's platform."""
    for start in project.derive(web_starts):
        server, limit = start.server, memory_limit(start)
        if server is None or limit is None or server.name != "gunicorn":
            continue
        said = server.settings.get("workers")
        count = server.number("workers", 1)
        if count is None or (isinstance(said, Given) and said.variables):
            continue
        measured = _measured(project)
        each = measured.value if measured is not None else _least(server)
        needed = _MASTER + int(count) * each
        if needed > limit.value:
            why = Because(measured.at, "as measured") if measured is not None else None
            amounts = f"{units.show_size(needed)}, and may have {units.show_size(limit.value)}"
            yield Finding(
                at=server.setting_at("workers"),
                message=f"{count:g} workers need {amounts}",
                hint=f"{max(1, (limit.value - _MASTER) * 4 // (5 * each))} workers, or more memory",
                because=(Because(limit.at, "killed past this"), *((why,) if why is not None else ())),
                confidence=Confidence.CERTAIN if measured is not None else None,
            )


def _measured(project: Project) -> Given[int] | None:
    for plan in project.of(PlanFile):
        said = plan.get("resources.worker_memory")
        if said is not None:
            try:
                return Given(units.size(said.value), said.at)
            except ValueError:
                return None
    return None


def _least(server: Server) -> int:
    """Return what a worker of an empty application takes; less where the master may preload it."""
    return _PRELOADED if "preload_app" in server.settings else _BARE
