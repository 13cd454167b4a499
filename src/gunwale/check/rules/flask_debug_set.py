"""FLASK_DEBUG switches debug mode on under a production server.

Flask reads the variable whatever starts it: errors pass through it to the server instead of becoming error
pages, templates are read again and again, and extensions show what only developers should see.

## Example: in the service

Flagged at `compose.yaml:5`.

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      FLASK_DEBUG: "1"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: off

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      FLASK_DEBUG: "false"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: on for developers

```yaml docker-compose.dev.yml
services:
  web:
    build: .
    environment:
      FLASK_DEBUG: "1"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.DEBUG, Severity.ERROR)
_OFF = ("", "0", "f", "false", "n", "no", "off")


def check(project: Project) -> Iterator[Finding]:
    """Look at the environment of each start of a production server."""
    seen: set[Place] = set()
    for start in project.derive(web_starts):
        server, given = start.server, start.environ.get("FLASK_DEBUG")
        if server is None or server.is_development or given is None or given.at in seen:
            continue
        if given.value.strip().lower() not in _OFF and "$" not in given.value:
            seen.add(given.at)
            yield Finding(
                at=given.at,
                message=f"FLASK_DEBUG={given.value} switches debug mode on under {server.name}",
                hint="leave FLASK_DEBUG out of what production runs with",
                because=(Because(server.at, f"{server.name} is started here"),),
                confidence=Confidence.LIKELY if given.variables else None,
            )
