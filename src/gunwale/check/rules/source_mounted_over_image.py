"""A production service mounts the source directory over the code in its image.

What runs is whatever lies on that machine, with `.env` and `.git`, and not what was built and tested. The
server may change its own code, and the image is of no use on another machine.

## Example: the directory of the build

Flagged at `compose.yaml:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY . .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask
```

```yaml compose.yaml
services:
  web:
    build: .
    volumes:
      - .:/app
```

## Use instead: data only

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY . .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask
```

```yaml compose.yaml
services:
  web:
    build: .
    volumes:
      - ./uploads:/app/uploads
      - static:/app/static
```

## Use instead: in the file for development

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY . .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask
```

```yaml compose.override.yaml
services:
  web:
    volumes:
      - .:/app
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import layout
from gunwale.project.services import mounts
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.WARNING, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look for a mount over a directory of the image that holds copied Python files."""
    for start in project.derive(web_starts):
        service, image = start.launch.service, start.launch.image
        volumes = service.get("volumes") if service else None
        if service is None or image is None or volumes is None:
            continue
        code = [(path, each) for path, each in layout(project, image).items() if path.endswith(".py")]
        for folder, inside in mounts(service).items():
            there = f"{inside.rstrip('/')}/"
            hidden = [each for path, each in code if path.startswith(there)]
            if hidden and any(path.endswith(".py") for path in project.tree.under(folder)):
                at = next((e.at for e in volumes.elements if e.text and inside in e.text), volumes.at)
                yield Finding(
                    at=at,
                    message=f"{folder} of this machine hides {inside} of the image: it runs what lies there",
                    hint="take the mount out, or put it into a compose file for development",
                    because=(Because(hidden[0].copy.instruction.at, "the code was copied here"),),
                )
