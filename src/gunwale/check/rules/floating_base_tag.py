"""The base image's tag says no version, so a build of tomorrow may be of another Python.

`latest`, no tag at all, `slim` and `3` follow every release: one day the same Dockerfile builds an image that
does not start, and the one that did cannot be built again.

## Example: no version

Flagged at `Dockerfile:1`.

```dockerfile Dockerfile
FROM python:slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: a version

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: a digest

```dockerfile Dockerfile
FROM python@sha256:0123456789012345678901234567890123456789012345678901234567890123
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: a version that the build is given

```dockerfile Dockerfile
ARG TAG
FROM python:${TAG}
COPY app.py .
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

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
    """Look at the tag of what each image begins with."""
    for image, _ in project.derive(images):
        if Reference.of(image.base.value).is_floating:
            yield Finding(
                at=image.base.at,
                message=f"{image.base.value} names no version: tomorrow it is another image",
                hint="name the version, as in python:3.13-slim",
            )
