"""Flask is held at an old version, and what it stands on is not.

The build installs the newest Werkzeug or MarkupSafe beside it, and `import flask` fails: "cannot import name
'url_quote' from 'werkzeug.urls'". Flask 2.0.1, 2.1.3, 2.2.2 and 2.2.3 do so with Werkzeug 3.1.9, Flask 1.0.2
and 1.1.4 with MarkupSafe 3.0.4 (2026-11-22); an image that was built earlier goes on running until the next
build.

## Example: Flask 2, and any Werkzeug

Flagged at `requirements.txt:1`.

```text requirements.txt
Flask==2.0.1
gunicorn==20.1.0
```

```dockerfile Dockerfile
FROM python:3.10-slim
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```

## Example: Flask 1

Flagged at `requirements.txt:1`.

```text requirements.txt
Flask==1.1.4
gunicorn==20.1.0
```

```dockerfile Dockerfile
FROM python:3.9-slim
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```

## Use instead: all of it is held

```text requirements.txt
Flask==2.0.1
Werkzeug==2.0.3
gunicorn==20.1.0
```

```dockerfile Dockerfile
FROM python:3.10-slim
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```

## Use instead: a Flask that goes with it

```text requirements.txt
Flask==2.2.5
gunicorn==20.1.0
```

```dockerfile Dockerfile
FROM python:3.10-slim
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```

## Use instead: a Python too old for the newest

```text requirements.txt
Flask==2.0.1
gunicorn==20.1.0
```

```dockerfile Dockerfile
FROM python:3.7-slim
COPY . .
RUN pip install -r requirements.txt
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import images
from gunwale.project.versions import may_be, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.ERROR)
_PYTHON = re.compile(r"(?:.*/)?python:(\d+)\.(\d+).*")
# Werkzeug 3 and Jinja 3.1 need 3.8 and 3.7: an older Python gets the older ones.
_OLDEST = (3, 8)


def check(project: Project) -> Iterator[Finding]:
    """Join the Flask that is pinned with what is not, and with the Python of the image."""
    required = requirements(project, "flask")
    pinned = required[0].pinned if required else None
    if pinned is None or pinned >= (2, 2, 4) or required[0].specifier.startswith("~="):
        return
    fault = _loose(project, pinned)
    for image, _ in project.derive(images) if fault else ():
        match = _PYTHON.fullmatch(image.base.value)
        if match is not None and (int(match[1]), int(match[2])) >= _OLDEST:
            version = ".".join(map(str, pinned))
            yield Finding(
                at=required[0].at,
                message=f"Flask {version} does not import with the {fault} that is installed beside it",
                hint="pin everything (pip-compile, uv lock), or require a Flask that is maintained",
                because=(Because(image.base.at, "this Python gets the newest of all that is not held"),),
            )
            return


def _loose(project: Project, pinned: tuple[int, ...]) -> str | None:
    """Return what is not held back and breaks that Flask."""
    if pinned >= (2, 0):
        return "Werkzeug" if may_be(project, "werkzeug", 3) else None
    is_held = not may_be(project, "markupsafe", 2, 1) or not may_be(project, "jinja2", 3, 1)
    return None if is_held else "MarkupSafe and Jinja"
