"""There are async views, and nothing installs what Flask runs them with.

Without asgiref, which comes with `flask[async]`, every request of such a view is a RuntimeError.

## Example: plain Flask

Flagged at `app.py:7`.

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
async def prices():
    return {}
```

```text requirements.txt
flask>=3.1
gunicorn
```

## Use instead: the extra

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
async def prices():
    return {}
```

```text requirements.txt
flask[async]>=3.1
gunicorn
```

## Use instead: asgiref comes with something else

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
async def prices():
    return {}
```

```text requirements.txt
flask>=3.1
asgiref==3.13.0
```

## Use instead: what is installed is not known

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
async def prices():
    return {}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.installed import nearest
from gunwale.project.python.async_views import async_views
from gunwale.project.readers.requirements import Requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.ASYNC, Severity.ERROR)
_BRINGING = frozenset(
    {"asgiref", "django", "uvicorn", "connexion", "quart", "opentelemetry-instrumentation-asgi"}
)


def check(project: Project) -> Iterator[Finding]:
    """Join the async views with everything that any requirement brings."""
    views = project.derive(async_views)
    if not views:
        return
    required = [each for file in project.of(Requirements) for each in file.requirements]
    flask_at = nearest(project, "flask", views[0].at.path)
    if flask_at is None or any(
        each.name in _BRINGING or (each.name == "flask" and "async" in each.extras) for each in required
    ):
        return
    yield Finding(
        at=views[0].at,
        message="async views need asgiref, which nothing installs: each request fails",
        hint="require flask[async]",
        because=(Because(flask_at, "Flask is required without it"),),
    )
