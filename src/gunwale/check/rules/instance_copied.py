"""Flask's instance folder is copied into the image.

It is the place for what belongs to one machine: configuration with secrets, uploads, the SQLite database.
In an image it is for everybody who can pull it, and a developer's database starts in production.

## Example: COPY . takes it along

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__, instance_relative_config=True)
app.config.from_pyfile("config.py")
```

```python instance/config.py
SECRET_KEY = "x"
```

## Example: nothing leaves it out where the image is built

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__, instance_relative_config=True)
app.config.from_pyfile("config.py", silent=True)
```

```text .dockerignore
.git
.env
```

## Use instead: left out

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__, instance_relative_config=True)
app.config.from_pyfile("config.py")
```

```python instance/config.py
SECRET_KEY = "x"
```

```text .dockerignore
.git
**/instance
```

## Use instead: a package of that name

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```python instance/__init__.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import context_files, dockerignore, takes, taking
from gunwale.project.facts import Place
from gunwale.project.private_files import is_test
from gunwale.project.python.applications import applications
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project

RULE = About(Topic.DOCKERIGNORE, Severity.ERROR)
_NOTHING = (".gitkeep", ".gitignore", ".keep", "README.md", "README")
_HINT = "leave it out by .dockerignore, **/instance, and mount or configure what it holds"


def check(project: Project) -> Iterator[Finding]:
    """Look for what lies there, and for an application that has its configuration there."""
    for image, _ in project.derive(images):
        yield from _there(project, image) or _used(project, image)


def _there(project: Project, image: Image) -> list[Finding]:
    ignore = dockerignore(project, image)
    for path, copy in context_files(project, image):
        if ignore is not None and any(pattern.misses(path) for pattern in ignore.patterns):
            continue  # dockerignore-misses-nested says where to mend it
        folder, _, name = path.rpartition("/")
        if folder.rpartition("/")[2] != "instance" or name in _NOTHING or is_test(path):
            continue
        there = posixpath.normpath(posixpath.join(image.context, path))
        if f"{posixpath.dirname(there)}/__init__.py" not in project.tree:
            because = (Because(Place(there, 1), "this file"),)
            message = f"the instance folder is copied into the image: {there}"
            return [Finding(at=copy.instruction.at, message=message, hint=_HINT, because=because)]
    return []


def _used(project: Project, image: Image) -> list[Finding]:
    ignore = dockerignore(project, image)
    if ignore is None or ignore.excludes("instance/config.py"):
        return []
    copy = next((each for each in taking(project, image) if takes(each, "instance/config.py")), None)
    using = next(
        (each for each in project.derive(applications) if each.call.argument("instance_relative_config")),
        None,
    )
    if copy is None or using is None:
        return []
    because = (Because(using.at, "the application is configured from it"),)
    message = "the instance folder gets into the image: .dockerignore does not leave it out"
    at = copy.instruction.at
    return [Finding(at=at, message=message, hint=_HINT, because=because, confidence=Confidence.LIKELY)]
