"""The server is told a module that lies elsewhere in the image, or is not in it.

COPY decides where a module is, WORKDIR (with --chdir and PYTHONPATH) where Python looks for it. Where they do
not meet, the container ends at once: "ModuleNotFoundError". On a developer's machine it works, from another
directory.

## Example: src is copied into src

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY src/ ./src
CMD ["gunicorn", "shop:create_app()"]
```

```python src/shop/__init__.py
from flask import Flask


def create_app():
    return Flask(__name__)
```

## Example: the package is not copied

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY wsgi.py requirements.txt ./
CMD ["gunicorn", "shop.web:app"]
```

```python wsgi.py
from shop.web import app
```

```python shop/web.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: its parent is the working directory

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY src/ ./
CMD ["gunicorn", "shop:create_app()"]
```

```python src/shop/__init__.py
from flask import Flask


def create_app():
    return Flask(__name__)
```

## Use instead: Python is told where to look

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
ENV PYTHONPATH=/app/src
COPY src/ ./src
CMD ["gunicorn", "shop:create_app()"]
```

```python src/shop/__init__.py
from flask import Flask


def create_app():
    return Flask(__name__)
```

## Use instead: the project is installed

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /build
COPY . .
RUN pip install .
WORKDIR /
CMD ["gunicorn", "shop:create_app()"]
```

```python src/shop/__init__.py
from flask import Flask


def create_app():
    return Flask(__name__)
```

## Use instead: somebody else's application

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /app
COPY config.py ./
CMD ["gunicorn", "superset.app:create_app()"]
```

```python config.py
from flask import Flask
```

## Use instead: a script goes there first

```dockerfile Dockerfile
FROM python:3.13-slim
COPY src /srv/src
COPY start.sh /
CMD ["/start.sh"]
```

```sh start.sh
#!/bin/sh
cd /srv/src
exec gunicorn shop:app
```

```python src/shop.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import layout
from gunwale.project.import_path import is_there, may_be_installed, search_path
from gunwale.project.services import mounts
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.ERROR)
_SERVERS = ("gunicorn", "uvicorn", "waitress", "granian", "hypercorn")


def check(project: Project) -> Iterator[Finding]:
    """Look for the module of each server's application where Python looks in the image."""
    seen = set()
    for start in project.derive(web_starts):
        server, image, service = start.server, start.launch.image, start.launch.service
        if server is None or image is None or server.name not in _SERVERS or server.at in seen:
            continue
        module = server.application.partition(":")[0].strip()
        folders = search_path(project, start)
        if not module.replace(".", "").replace("_", "").isalnum() or not folders:
            continue
        if is_there(project, image, folders, module) or (service is not None and mounts(service)):
            continue
        found = _elsewhere(project, image, module)
        if found is not None and not may_be_installed(project, image):
            seen.add(server.at)
            where, because, hint = found
            yield Finding(
                at=server.at,
                message=f"{module} is {where}; Python looks in {', '.join(dict.fromkeys(folders))}",
                hint=hint,
                because=(because,) if because else (),
            )


def _elsewhere(project: Project, image: Image, module: str) -> tuple[str, Because | None, str] | None:
    """Return where the module is instead, with the COPY, and what to do; None: not of the project."""
    path = module.replace(".", "/")
    ends = (f"/{path}.py", f"/{path}/__init__.py")
    for inside, each in layout(project, image).items():
        end = next((end for end in ends if inside.endswith(end)), None)
        if end is not None:
            folder = inside.removesuffix(end) or "/"
            because = Because(each.copy.instruction.at, f"it is copied to {folder}")
            return (
                f"in {folder} of the image",
                because,
                f"WORKDIR {folder}, or PYTHONPATH={folder}",
            )
    ours = [each for each in project.tree.files if f"/{each}".endswith(ends)]
    near = [each for each in ours if each.startswith(f"{image.context}/") or image.context in ("", ".")]
    if not near or not image.copies:
        return None
    folder = posixpath.relpath(near[0], image.context or ".").partition("/")[0]
    return (
        "not copied into the image",
        Because(image.copies[-1].instruction.at, "not here"),
        f"COPY {folder} too",
    )
