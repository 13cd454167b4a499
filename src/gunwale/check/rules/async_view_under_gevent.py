"""Async views are served by greenlets, and fail as soon as two requests overlap.

asyncio knows one running loop a thread, and under gevent all requests share a thread: while one async view
waits, the next is answered 500, "asyncio.run() cannot be called from a running event loop". Of four requests
at once, three failed (gevent 26.9.0, asgiref 3.13.0, Flask 3.1.3; 2026-11-22).

## Example: Gunicorn's gevent worker

Flagged at `app.py:7`.

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
async def prices():
    return {}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

## Use instead: threads

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
async def prices():
    return {}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gthread", "--threads", "4", "app:app"]
```

## Use instead: an application with a way of its own to run them

```python app.py
import asyncio

import gevent
from flask import Flask


class Shop(Flask):
    def async_to_sync(self, func):
        pool = gevent.get_hub().threadpool
        return lambda *args: pool.apply(asyncio.run, (func(*args),))


app = Shop(__name__)


@app.get("/prices")
async def prices():
    return {}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

## Use instead: plain views under gevent

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/prices")
def prices():
    return {}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.greenlets import hub
from gunwale.project.python.async_views import async_views
from gunwale.project.readers.python import PythonFile
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.ASYNC, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Join the async views with the first start whose requests are greenlets."""
    found = next(filter(None, map(hub, project.derive(web_starts))), None)
    views = project.derive(async_views)
    if found is not None and views and not _runs_them_otherwise(project):
        yield Finding(
            at=views[0].at,
            message=f"an async view fails under {found.name} as soon as two requests overlap",
            hint="serve with threads (gthread), or write plain views, which overlap under greenlets anyway",
            because=(Because(found.at, f"{found.name} is chosen here"),),
        )


def _runs_them_otherwise(project: Project) -> bool:
    """Whether the application has a way of its own to run coroutines."""
    return any(
        name.rpartition(".")[2] in ("async_to_sync", "ensure_sync")
        for file in project.of(PythonFile)
        for name in file.functions
    )
