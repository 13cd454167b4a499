"""The whole build context is copied into the image, and no .dockerignore leaves anything out.

With the repository's root as context, `.git` gets in: every file there ever was, among them the secrets that
were removed since. So do `.env`, `instance/`, local databases, and everything else that lies there when
somebody builds.

## Example: COPY of the root

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text README.md
Read me.
```

## Use instead: a .dockerignore

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text README.md
Read me.
```

```text .dockerignore
.git
**/.env
```

## Use instead: copy what is needed

```dockerfile Dockerfile
FROM python:3.13-slim
COPY requirements.txt app.py /app/
CMD ["gunicorn", "app:app"]
```

```text README.md
Read me.
```

## Use instead: the context is a directory that holds the application alone

```dockerfile web/Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```python web/app.py
from flask import Flask
```

```text README.md
Read me.
```

## Use instead: what is built of it is taken, not all of it

```dockerfile Dockerfile
FROM python:3.13-slim AS build
COPY . /src
RUN pip wheel --wheel-dir /wheels /src
FROM python:3.13-slim
COPY --from=build /wheels /wheels
CMD ["gunicorn", "app:app"]
```

```text README.md
Read me.
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import dockerignore, is_repository, takes, taking
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.DOCKERIGNORE, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for a COPY of a repository's root that reaches an image a server is started from."""
    for image, _ in project.derive(images):
        if dockerignore(project, image) is not None or not is_repository(project, image):
            continue
        copy = next((each for each in taking(project, image) if takes(each, ".git/config")), None)
        if copy is not None:
            yield Finding(
                at=copy.instruction.at,
                message="the whole repository is copied, .git and all: there is no .dockerignore",
                hint="write a .dockerignore (.git, **/.env*, **/instance), or copy what is needed",
            )
