"""A pattern of .dockerignore matches at the context's root only, and a file below gets into the image.

Docker matches `.env` against the whole path: it keeps ./.env out, not ./src/.env.
Git's `.gitignore` works the other way, so a list copied from there looks right.

## Example: .env below the root

Flagged at `.dockerignore:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git
.env
```

```text src/.env
SECRET_KEY=x
```

## Use instead: at any depth

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git
**/.env
```

```text src/.env
SECRET_KEY=x
```

## Use instead: what is deeper down is no secret

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git
Dockerfile
README.md
```

```text nginx/Dockerfile
FROM nginx
```

```text src/README.md
Read me.
```

## Use instead: copy what is needed

```dockerfile Dockerfile
FROM python:3.13-slim
COPY src/app.py /app/
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.env
```

```text src/.env
SECRET_KEY=x
```
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.fix import on_line
from gunwale.check.rule import About
from gunwale.project.context import context_files, dockerignore
from gunwale.project.private_files import is_private
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.DOCKERIGNORE, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for private files that a pattern without a slash would match deeper down, among what is copied."""
    for image, _ in project.derive(images):
        ignore = dockerignore(project, image)
        if ignore is None:
            continue
        for pattern in ignore.patterns:
            for path, copy in context_files(project, image):
                if pattern.misses(path) and (is_private(path) or "instance" in path.split("/")):
                    there = posixpath.normpath(posixpath.join(image.context, path))
                    yield Finding(
                        at=pattern.at,
                        message=f"{pattern.text} is left out at the root only: {there} gets into the image",
                        hint=f"write **/{pattern.text}",
                        because=(Because(copy.instruction.at, "copied here"),),
                        fix=on_line(project, pattern.at, pattern.text, f"**/{pattern.text}"),
                    )
                    break
