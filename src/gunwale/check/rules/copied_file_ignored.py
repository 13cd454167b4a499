"""A file is copied that .dockerignore leaves out of the build context, so the image cannot be built.

The build stops with "not found" although the file is there. On the machine of somebody whose builder keeps an
old context it may still go well.

## Example: the file that is copied

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY requirements.txt /app/
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
*.txt
```

```text requirements.txt
flask
```

## Example: in a stage of which something else is taken

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim AS build
COPY requirements.txt ./
RUN python -m venv /opt/venv && /opt/venv/bin/pip install -r requirements.txt

FROM python:3.13-slim
COPY --from=build /opt/venv /opt/venv
COPY app.py .
CMD ["/opt/venv/bin/gunicorn", "app:app"]
```

```text .dockerignore
*.txt
```

```text requirements.txt
flask
```

## Use instead: taken back

```dockerfile Dockerfile
FROM python:3.13-slim
COPY requirements.txt /app/
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
*.txt
!requirements.txt
```

```text requirements.txt
flask
```
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import dockerignore
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Copy, Image
    from gunwale.project.model import Project
    from gunwale.project.readers.dockerignore import Dockerignore, Pattern

RULE = About(Topic.START, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Ask .dockerignore about each path that is copied by its name and is there."""
    for image, _ in project.derive(images):
        ignore = dockerignore(project, image)
        if ignore is None:
            continue
        for copy in _copies(project, image):
            for source in copy.sources:
                pattern = _pattern(project, image, ignore, source)
                if pattern is not None:
                    yield Finding(
                        at=copy.instruction.at,
                        message=f"{source} is left out by .dockerignore: the build stops here",
                        hint=f"take the pattern out, or add !{posixpath.normpath(source)} below it",
                        because=(Because(pattern.at, "left out here"),),
                    )


def _copies(project: Project, image: Image) -> list[Copy]:
    """Return every COPY from the context that is run, in the stages that others are copied from too."""
    found = [copy for copy in image.copies if not copy.origin]
    for copy in image.copies:
        stage = image.origin(project, copy)
        found += _copies(project, stage) if stage is not None else []
    return list(dict.fromkeys(found))


def _pattern(project: Project, image: Image, ignore: Dockerignore, source: str) -> Pattern | None:
    """Return the pattern that leaves out all there is of *source*, if one does."""
    clean = posixpath.normpath(source.lstrip("/") or ".")
    if clean == "." or any(sign in clean for sign in "*?[$"):
        return None
    there = posixpath.normpath(posixpath.join(image.context, clean))
    prefix = "" if image.context in ("", ".") else f"{image.context}/"
    paths = [there] if there in project.tree else project.tree.under(there)
    inside = [path.removeprefix(prefix) for path in paths]
    if not inside or not all(ignore.excludes(path) for path in inside):
        return None
    return next((each for each in reversed(ignore.patterns) if not each.is_exception), None)
