"""The base image's Python or distribution gets no security fixes any more.

What is found in it from now on stays open, and for a distribution that has moved to the archive even
`apt-get update` fails, so that the image cannot be built again.
The dates are those of devguide.python.org/versions, endoflife.date/debian (with LTS), /ubuntu and /alpine,
read 2026-11-22.

## Example: a distribution that has ended

Flagged at `Dockerfile:1`.

```dockerfile Dockerfile
FROM python:3.11-slim-buster
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: a Python that has ended

Flagged at `Dockerfile:1`.

```dockerfile Dockerfile
FROM python:3.7-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: both maintained

```dockerfile Dockerfile
FROM python:3.14-slim-trixie
COPY app.py .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.base import Reference
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.IMAGE, Severity.NOTE)


def check(project: Project) -> Iterator[Finding]:
    """Compare the end of support of what each image begins with to today."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    for image, _ in project.derive(images):
        for name, ended in Reference.of(image.base.value).ends:
            if ended < today:
                yield Finding(
                    at=image.base.at,
                    message=f"{image.base.value}: {name} got its last security fix by {ended}",
                    hint="move to a maintained one, python:3.14-slim",
                )
                break
