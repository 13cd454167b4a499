r"""Compilers and headers are left in the image that runs.

They are needed while packages are built and never again; they make the image several times larger, and
whoever breaks in has a compiler at hand.
Build in a stage of its own and copy what came out of it, or remove them in the same RUN.

## Example: gcc stays

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    gcc \
    libpq5
COPY requirements.txt app.py ./
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```

## Example: on Alpine

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-alpine
RUN apk add --no-cache build-base libffi-dev
CMD ["gunicorn", "app:app"]
```

## Use instead: a stage of its own

```dockerfile Dockerfile
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y gcc libpq-dev
RUN pip wheel --wheel-dir /wheels psycopg2
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends libpq5
COPY --from=build /wheels /wheels
CMD ["gunicorn", "app:app"]
```

## Use instead: removed in the same RUN

```dockerfile Dockerfile
FROM python:3.13-alpine
RUN deps="gcc musl-dev"; apk add --no-cache --virtual .build $deps && pip install psycopg2 && apk del .build
CMD ["gunicorn", "app:app"]
```

## Use instead: headers alone are no compiler

```dockerfile Dockerfile
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends curl libpq-dev
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.packages import SYSTEM, installed
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.IMAGE, Severity.WARNING)
# What compiles, and what only compilers read and brings them along.
_COMPILERS = re.compile(
    r"(?:gcc|g\+\+|gcc-c\+\+|clang|gfortran)(?:-\d+)?|build-essential|build-base|alpine-sdk|musl-dev|libc6?-dev|"
    r"python[\d.]*-dev(?:el)?|cargo|rustc?|linux-headers|@development-tools"
)


def check(project: Project) -> Iterator[Finding]:
    """Look at the system packages that each image's own stages install and keep."""
    for image, _ in project.derive(images):
        found = [
            each
            for each in installed(project, image)
            if each.manager in SYSTEM and _COMPILERS.fullmatch(re.split(r"[=~<>]", each.name)[0])
        ]
        if found:
            names = ", ".join(dict.fromkeys(each.name for each in found[:3]))
            yield Finding(
                at=found[0].at,
                message=f"the image that runs keeps {names}",
                hint="install them in a build stage and COPY --from it, or remove them in the same RUN",
            )
