"""A stage has more than one CMD or ENTRYPOINT, and only the last one counts.

What the others say is never run, though it looks as if it were: two servers that seem to be started are one.

## Example: a migration and a server

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["flask", "db", "upgrade"]
CMD ["gunicorn", "app:app"]
```

## Use instead: one; what goes before it is an ENTRYPOINT's or a step of the deployment

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py entrypoint.sh ./
ENTRYPOINT ["./entrypoint.sh"]
CMD ["gunicorn", "app:app"]
```

## Use instead: each stage its own

```dockerfile Dockerfile
FROM python:3.13-slim AS base
CMD ["flask", "run"]
FROM base
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Count what only counts once, in each stage that becomes an image."""
    for image, _ in project.derive(images):
        for stage in image.stages:
            for keyword in ("CMD", "ENTRYPOINT"):
                found = stage.all(keyword)
                for each in found[:-1]:
                    yield Finding(
                        at=each.at,
                        message=f"this {keyword} is never run: a later one of the stage takes its place",
                        hint="keep one, and run what goes before the server from an entrypoint script",
                        because=(Because(found[-1].at, "this one counts"),),
                    )
