"""A start script puts the server into the background and waits, or runs something else in front.

PID 1 is a shell that passes no signal on: SIGTERM reaches nobody, requests are cut after the grace period.
Where the server dies the container lives on without it, and nobody starts it again.
One container is for one server; what else is to run gets a container of its own.

## Example: two at once

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["sh", "-c", "gunicorn app:app & celery -A app worker"]
```

## Example: in a script

Flagged at `start.sh:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.sh app.py ./
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
gunicorn app:app &
nginx -g "daemon off;"
```

## Use instead: one server a container

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  worker:
    build: .
    command: celery -A app worker
```

## Use instead: a task in the background, the server in front

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.sh app.py ./
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
python warm_cache.py &
exec gunicorn app:app
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.process_tree import deaf
from gunwale.project.start import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PID1, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for a shell that started each container's server in the background."""
    seen = set()
    for start, ancestor in project.derive(deaf):
        if ancestor.kind is Kind.BACKGROUND and ancestor.at not in seen:
            seen.add(ancestor.at)
            first = start.launch.words[0].at
            yield Finding(
                at=ancestor.at,
                message="the server is put into the background: SIGTERM does not reach it",
                hint="start the server last and with exec, and what else is to run in a container of its own",
                because=(Because(first, "started here"),) if first.path != ancestor.at.path else (),
            )
