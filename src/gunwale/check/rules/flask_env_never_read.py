"""FLASK_ENV is set, and nothing reads it.

Flask 2.3 took it away. Who sets it to "production" believes that debug mode is off by it, and who sets it to
"development" that it is on; neither is so, FLASK_DEBUG alone decides.

## Example: a Flask without it

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_ENV=production
COPY . .
CMD ["gunicorn", "app:app"]
```

```text requirements.txt
Flask>=3.0
gunicorn
```

## Use instead: nothing

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```text requirements.txt
Flask>=3.0
```

## Use instead: the application reads it itself

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FLASK_ENV=production
COPY . .
CMD ["gunicorn", "app:app"]
```

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config.from_object("config." + os.environ["FLASK_ENV"])
```

```text requirements.txt
Flask>=3.0
```

## Use instead: an older Flask

```dockerfile Dockerfile
FROM python:3.10-slim
ENV FLASK_ENV=production
COPY . .
CMD ["gunicorn", "app:app"]
```

```text requirements.txt
Flask==2.0.1
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.readers.python import PythonFile
from gunwale.project.start_path import web_starts
from gunwale.project.versions import requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.DEBUG, Severity.NOTE)


def check(project: Project) -> Iterator[Finding]:
    """Look for the variable where Flask is surely 2.3 or newer and no code asks for it."""
    newer = [each for each in requirements(project, "flask") if each.must_be(2, 3)]
    if not newer or any("FLASK_ENV" in file.source.text for file in project.of(PythonFile)):
        return
    seen: set[Place] = set()
    for start in project.derive(web_starts):
        given = start.environ.get("FLASK_ENV")
        if given is not None and given.at not in seen:
            seen.add(given.at)
            yield Finding(
                at=given.at,
                message=f"FLASK_ENV={given.value} is read by nothing since Flask 2.3",
                hint="delete it; FLASK_DEBUG is what switches debug mode",
                because=(Because(newer[0].at, f"Flask {newer[0].specifier}"),),
            )
