"""The application may open more connections than the database allows.

Each worker has a pool of its own, and a roll-out runs everything twice: what is refused is a request, at the
busiest moment. workers × (pool_size + max_overflow) × tasks × 2 must stay below max_connections.

## Example: four workers of fifteen, and a hundred allowed

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "--threads", "20", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 10, "max_overflow": 5}
db = SQLAlchemy(app)
```

```yaml compose.yaml
services:
  web:
    build: .
  db:
    image: postgres:17
    command: postgres -c max_connections=100
```

## Use instead: fewer, each

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "--threads", "20", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 5, "max_overflow": 5}
db = SQLAlchemy(app)
```

```yaml compose.yaml
services:
  web:
    build: .
  db:
    image: postgres:17
    command: ["postgres", "-c", "max_connections=100"]
```

## Use instead: no more threads than connections are used by

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "--threads", "4", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 10, "max_overflow": 5}
db = SQLAlchemy(app)
```

```yaml compose.yaml
services:
  web:
    build: .
  db:
    image: postgres:17
    command: postgres -c max_connections=100
```

## Use instead: a pooler between them

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "8", "--threads", "20", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)
```

```yaml compose.yaml
services:
  web:
    build: .
  pgbouncer:
    image: edoburu/pgbouncer
  db:
    image: postgres:17
    command: postgres -c max_connections=100
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.plan.budget import connections
from gunwale.project.database import limits, pool
from gunwale.project.greenlets import hub
from gunwale.project.processes import tasks, workers
from gunwale.project.readers.compose import Compose
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.DB_POOL, Severity.ERROR)
_RESERVED = 3  # PostgreSQL's superuser_reserved_connections
_POOLER = re.compile(r"pgbouncer|pgcat|odyssey|proxysql|maxscale", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    """Join workers, threads, tasks and the pool with the database's own limit."""
    found, limit = project.derive(pool), project.derive(limits)
    if found is None or limit is None or _is_pooled(project):
        return
    for start in project.derive(web_starts):
        server, processes, running, at_once = start.server, workers(start), tasks(start), _at_once(start)
        if server is None or processes is None or running is None or at_once is None:
            continue
        each = min(found.size, at_once)
        budget = connections(processes, each, running, 100, 0, limit.allowed - _RESERVED)
        if not budget.is_within:
            yield Finding(
                at=server.setting_at("workers"),
                message=f"{processes} workers × {each} connections × {running} tasks × 2 = {budget.used}, "
                f"allowed {budget.allowed}",
                hint="lower pool_size and max_overflow or workers, raise max_connections, or add PgBouncer",
                because=(
                    Because(limit.at, f"max_connections is {limit.allowed}"),
                    Because(found.at, f"a pool is {found.size} at most"),
                ),
            )


def _is_pooled(project: Project) -> bool:
    sources = [project.source(each.path) for each in project.of(Compose)]
    return any(_POOLER.search(source.text) for source in sources if source is not None)


def _at_once(start: Start) -> int | None:
    """Return how many requests of one worker may hold a connection at a time, where that is known."""
    server = start.server
    if server is None or server.name not in ("gunicorn", "gunwale"):
        return None
    if hub(start) is not None:
        count = server.number("worker_connections", 1000)
    else:
        count = server.number("threads", 1)
    return None if count is None else int(count)
