"""What is opened at import is shared by all workers, or lives in none of them.

With preload_app Gunicorn imports once and forks: a connection made at import is then one socket in every
worker, and answers go to the wrong one; a thread started at import exists in the master only.

## Example: a connection

Flagged at `app.py:5`.

```python app.py
import psycopg2
from flask import Flask

app = Flask(__name__)
connection = psycopg2.connect("dbname=shop")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--preload", "--workers", "4", "app:app"]
```

## Example: a thread

Flagged at `app.py:6`.

```python app.py
import threading

from flask import Flask

app = Flask(__name__)
threading.Thread(target=print, daemon=True).start()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--preload", "--workers", "4", "app:app"]
```

## Use instead: opened where it is used

```python app.py
import psycopg2
from flask import Flask

app = Flask(__name__)


def connection():
    return psycopg2.connect("dbname=shop")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--preload", "--workers", "4", "app:app"]
```

## Use instead: each worker imports for itself

```python app.py
import psycopg2
from flask import Flask

app = Flask(__name__)
connection = psycopg2.connect("dbname=shop")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: a hook opens it in each worker

```python app.py
import psycopg2
from flask import Flask

app = Flask(__name__)
connection = psycopg2.connect("dbname=shop")
```

```python gunicorn.conf.py
import psycopg2

preload_app = True


def post_fork(server, worker):
    import app

    app.connection = psycopg2.connect("dbname=shop")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.CAPACITY, Severity.ERROR)
# Clients that connect when they are made; a pool that connects when it is asked is none.
_CONNECTING = (
    *("psycopg2.connect", "psycopg.connect", "pymysql.connect", "MySQLdb.connect", "mysql.connector.connect"),
    *("sqlite3.connect", "pika.BlockingConnection", "ldap.initialize"),
)
_STARTING = ("threading.Thread().start", "threading.Timer().start")


def check(project: Project) -> Iterator[Finding]:
    """Join preload_app with what modules open at their top level; a post_fork hook may mend it."""
    start = next(filter(_preloads, project.derive(web_starts)), None)
    if start is None or start.server is None or any("def post_fork" in each.text for each in project.sources):
        return
    chosen = start.server.setting_at("preload_app")
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            is_thread = call.name in _STARTING
            if call.scope or call.is_main or not (is_thread or call.name in _CONNECTING):
                continue
            yield Finding(
                at=call.at,
                message="the thread runs in Gunicorn's master only: workers are forked without it"
                if is_thread
                else f"{call.name}() at import: all workers share the one connection",
                hint="open it in the post_fork hook, or when it is first used",
                because=(Because(chosen, "the application is preloaded here"),),
            )


def _preloads(start: Start) -> bool:
    given = start.server.settings.get("preload_app") if start.server is not None else None
    return isinstance(given, Given) and given.value is True
