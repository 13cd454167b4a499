"""The server runs as root in its container.

Whoever breaks out of the application, or of a library it uses, is root at once: of the container, of every
volume mounted into it, and of the host where a kernel fault or the Docker socket helps.
A `USER` after the last step that needs root is enough.

## Example: no USER at all

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
RUN pip install flask gunicorn
CMD ["gunicorn", "app:app"]
```

## Example: root again in the last stage

Flagged at `Dockerfile:5`.

```dockerfile Dockerfile
FROM python:3.13-slim AS build
USER 10001
FROM python:3.13-slim
COPY --from=build /app /app
USER root
CMD ["gunicorn", "app:app"]
```

## Use instead: a user of its own

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
RUN pip install flask gunicorn
USER 10001
CMD ["gunicorn", "app:app"]
```

## Use instead: compose says the user

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    user: "10001"
```

## Use instead: the entrypoint drops its privileges

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh .
ENTRYPOINT ["./start.sh"]
```

```sh start.sh
#!/bin/sh
chown app /data
exec gosu app gunicorn app:app
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Unknown
from gunwale.project.privileges import user
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.ROOT, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at each image a server is started from."""
    for image, starts in project.derive(images):
        users = [user(project, start) for start in starts]
        for each in users:
            if isinstance(each, Unknown):
                project.leave_unchecked("root", f"{image.at}: {each.why}")
        root = next((each for each in users if not isinstance(each, Unknown) and each.is_root), None)
        if root is not None:
            message = "the server runs as root" if root.at else "no USER is set: the server runs as root"
            because = () if root.at else (Because(image.base.at, f"{image.base.value} begins as root"),)
            hint = "add USER 10001 (any number but 0) after the last step that needs root"
            yield Finding(at=root.at or image.at, message=message, hint=hint, because=because)
