"""The image is built on a full distribution, with compilers, Git and hundreds of packages that nobody uses.

`python:3.13` is 1 GB, `python:3.13-slim` 0.1 GB: each start on a new machine waits for the difference, and
every package of it is one that scanners report and attackers use.
What needs a compiler is built in a stage of its own.

## Example: the full Python image

Flagged at `Dockerfile:1`.

```dockerfile Dockerfile
FROM python:3.13
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: a distribution, by an argument

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
ARG RELEASE=24.04
FROM ubuntu:${RELEASE}
RUN apt-get update && apt-get install -y python3-flask gunicorn
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: slim

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: the full image builds, a slim one runs

```dockerfile Dockerfile
FROM python:3.13 AS build
COPY requirements.txt .
RUN pip install --prefix /install -r requirements.txt
FROM python:3.13-slim
COPY --from=build /install /usr/local
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

RULE = About(Topic.IMAGE, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at what each image a server is started from begins with."""
    for image, _ in project.derive(images):
        if Reference.of(image.base.value).is_fat:
            yield Finding(
                at=image.base.at,
                message=f"{image.base.value} is a full image: compilers and all",
                hint="run on a slim one, python:3.13-slim, and build in a stage of its own",
            )
