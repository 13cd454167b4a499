"""A file of environment variables, with its secrets, is copied into the image.

Whoever can pull the image can read it, and so can whoever finds a way to read a file through the application.
Rotating a secret then needs a new image. Give the variables when the container starts.

## Example: COPY . takes it along

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git
```

```text .env
SECRET_KEY=x
```

## Example: it is copied by name, and git leaves it out

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY .env app.py /app/
CMD ["gunicorn", "app:app"]
```

## Example: the application loads one, and nothing leaves it out

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git
```

```text .gitignore
.env
```

```python app.py
from dotenv import load_dotenv
from flask import Flask

load_dotenv()
app = Flask(__name__)
```

## Use instead: left out

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
**/.env*
!.env.example
```

```text .env
SECRET_KEY=x
```

```text .env.example
SECRET_KEY=
```

## Use instead: a front end's, which is public

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git
```

```text client/.env
VITE_API_URL=/api
```
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import context_files, dockerignore, takes, taking
from gunwale.project.facts import Place
from gunwale.project.private_files import is_environment_file, is_test
from gunwale.project.python.applications import applications
from gunwale.project.readers.python import PythonFile
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project

RULE = About(Topic.DOCKERIGNORE, Severity.ERROR)
_LOADING = ("dotenv.load_dotenv", "dotenv.dotenv_values", "dotenv.main.load_dotenv", "dotenv.find_dotenv")
_HINT = "leave it out by .dockerignore, **/.env*, and give the variables when the container starts"


def check(project: Project) -> Iterator[Finding]:
    """Look for what lies there, what is copied by name, and what the application loads."""
    for image, _ in project.derive(images):
        yield from _there(project, image) or _named(project, image) or _loaded(project, image)


def _there(project: Project, image: Image) -> list[Finding]:
    folders = {posixpath.dirname(each.file.path) for each in project.derive(applications)} | {image.context}
    ignore = dockerignore(project, image)
    found = []
    for path, copy in context_files(project, image):
        if ignore is not None and any(pattern.misses(path) for pattern in ignore.patterns):
            continue  # dockerignore-misses-nested says where to mend it
        there = posixpath.normpath(posixpath.join(image.context, path))
        is_ours = (posixpath.dirname(there) or ".") in {folder or "." for folder in folders}
        if is_environment_file(path) and is_ours and not is_test(path):
            because = (Because(Place(there, 1), "this file"),)
            message = f"{there} is copied into the image"
            found.append(Finding(at=copy.instruction.at, message=message, hint=_HINT, because=because))
    return found[:1]


def _named(project: Project, image: Image) -> list[Finding]:
    return [
        Finding(at=copy.instruction.at, message=f"{source} is copied into the image", hint=_HINT)
        for copy in taking(project, image)
        for source in copy.sources
        if is_environment_file(source)
    ][:1]


def _loaded(project: Project, image: Image) -> list[Finding]:
    """Look for a .env that git leaves out, so that it lies beside the application where it is built."""
    ignore = dockerignore(project, image)
    if ignore is None or ignore.excludes(".env"):
        return []
    copy = next((each for each in taking(project, image) if takes(each, ".env")), None)
    load = next(
        (call for file in project.of(PythonFile) for call in file.calls if call.name in _LOADING), None
    )
    if copy is None or load is None:
        return []
    because = (Because(load.at, "it is loaded here"), Because(Place(ignore.path, 1), "nothing leaves it out"))
    message = "the .env that the application loads gets into the image"
    at = copy.instruction.at
    return [Finding(at=at, message=message, hint=_HINT, because=because, confidence=Confidence.LIKELY)]
