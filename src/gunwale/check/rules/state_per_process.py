"""What all requests should share is kept in the memory of each process.

With several workers or tasks a visitor meets another process each time: a limit counts a part of his
requests, a cached value is old in one and new in the next, a job of the scheduler runs once in each.

## Example: a limit, a cache and a scheduler, and four workers

Flagged at `app.py:8`.
Flagged at `app.py:9`.
Flagged at `app.py:10`.

```python app.py
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app)
cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
scheduler = BackgroundScheduler()
scheduler.start()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: a storage that all share

```python app.py
import os

from flask import Flask
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, storage_uri=os.environ["REDIS_URL"])
cache = Cache(app, config={"CACHE_TYPE": "RedisCache"})
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: configured elsewhere

```python app.py
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address)


def create_app():
    app = Flask(__name__)
    app.config["RATELIMIT_STORAGE_URI"] = "redis://redis:6379"
    limiter.init_app(app)
    return app
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:create_app()"]
```

## Use instead: one process

```python app.py
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app)
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "1", "--threads", "8", "app:app"]
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.processes import several
from gunwale.project.python.configuration import is_prefixed_env, named
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Unknown
    from gunwale.project.model import Project
    from gunwale.project.readers.python import Call

RULE = About(Topic.CAPACITY, Severity.WARNING, Confidence.LIKELY)
_SCHEDULING = ("apscheduler.", "flask_apscheduler.")
_SCHEDULERS = (".BackgroundScheduler", ".GeventScheduler", ".APScheduler")
_LIMITERS = ("flask_limiter.Limiter", "flask_limiter.extension.Limiter")
_CACHES = ("flask_caching.Cache", "flask_caching.Cache.init_app")
_MEMORY = ("simple", "simplecache", "memory")


def check(project: Project) -> Iterator[Finding]:
    """Join what keeps its state in memory with a start of several processes."""
    found = project.derive(several)
    if found is None:
        return
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            said = _said(project, file, call)
            if said is not None and not call.is_main:
                yield Finding(
                    at=call.at,
                    message=said[0],
                    hint=said[1],
                    because=(Because(found.at, found.what),),
                )


def _said(project: Project, file: PythonFile, call: Call) -> tuple[str, str] | None:
    """Return the message and the hint on what keeps its state in memory."""
    is_scheduler = call.name.startswith(_SCHEDULING) and call.name.endswith(_SCHEDULERS)
    if call.name in _LIMITERS and _is_in_memory(project, file, call):
        return "Flask-Limiter counts in the memory of each process", "give storage_uri, of a Redis"
    if call.name in _CACHES and _cache_type(project, file, call).lower() in _MEMORY:
        return "Flask-Caching keeps a cache in each process", "use RedisCache or MemcachedCache"
    if is_scheduler and not call.scope:
        return "the scheduler runs each job once in every process", "run it as a task of its own"
    return None


def _is_in_memory(project: Project, file: PythonFile, call: Call) -> bool:
    if any(each.arg is None for each in call.node.keywords) or is_prefixed_env(project):
        return False
    for name in ("RATELIMIT_STORAGE_URI", "RATELIMIT_STORAGE_URL"):
        given = named(project, name)
        if any(not _is_memory(each.value) for each in given):
            return False
        if not given and any(name in each.source.text for each in project.of(PythonFile)):
            return False
    node = call.argument("storage_uri")
    return node is None or _is_memory(value(project, file, node))


def _is_memory(given: Given[object] | Unknown) -> bool:
    if not isinstance(given, Given) or given.variables:
        return False
    return str(given.value).startswith(("memory:", "None"))


def _cache_type(project: Project, file: PythonFile, call: Call) -> str:
    """Return the cache's type where it is written out, "" where it is not known or not given."""
    node = call.argument("config", 1)
    for key, given in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
        if isinstance(key, ast.Constant) and key.value == "CACHE_TYPE":
            said = value(project, file, given)
            return str(said.value) if isinstance(said, Given) and not said.variables else ""
    for setting in named(project, "CACHE_TYPE") if node is None else ():
        said = setting.value
        return str(said.value) if isinstance(said, Given) and not said.variables else ""
    return ""
