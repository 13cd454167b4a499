"""A driver written in C waits under gevent without letting others run.

gevent patches Python's sockets. psycopg2, mysqlclient and gRPC use the system's own, so one slow query stops
every request of the worker, and throughput is that of one thread.

## Example: psycopg2 as it is

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://db/shop"
db = SQLAlchemy(app)
```

```text requirements.txt
flask-sqlalchemy
psycopg2-binary
gunicorn[gevent]
```

## Example: gRPC without its hook

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

```python app.py
import grpc
from flask import Flask

app = Flask(__name__)
channel = grpc.insecure_channel("prices:50051")
```

```text requirements.txt
grpcio
```

## Use instead: psycogreen makes psycopg2 wait by gevent

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://db/shop"
db = SQLAlchemy(app)
```

```text requirements.txt
flask-sqlalchemy
psycopg2-binary
psycogreen
gunicorn[gevent]
```

## Use instead: a driver in Python

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

```python app.py
import pymysql
from flask import Flask

app = Flask(__name__)
```

```text requirements.txt
pymysql
```

## Use instead: threads

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gthread", "--threads", "4", "app:app"]
```

```python app.py
import psycopg2
from flask import Flask

app = Flask(__name__)
```

```text requirements.txt
psycopg2
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.greenlets import hub
from gunwale.project.installed import nearest
from gunwale.project.readers.python import PythonFile
from gunwale.project.readers.requirements import Requirements
from gunwale.project.start_path import web_starts
from gunwale.project.versions import requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.GEVENT, Severity.ERROR, Confidence.LIKELY)
# Each driver: the packages and the module that are it, what mends it, and the hubs that do by themselves.
_DRIVERS = {
    "psycopg2": (("psycopg2", "psycopg2-binary"), "psycopg2", "psycogreen", ("eventlet",)),
    "mysqlclient": (("mysqlclient", "mysql-python"), "MySQLdb", "", ()),
    "gRPC": (("grpcio",), "grpc", "init_gevent", ()),
}
_HINTS = {
    "psycopg2": "call psycogreen.gevent.patch_psycopg() in post_fork, use psycopg 3, or -k gthread",
    "mysqlclient": "use PyMySQL under gevent, or serve with -k gthread",
    "gRPC": "call grpc.experimental.gevent.init_gevent() first, or serve with -k gthread",
}


def check(project: Project) -> Iterator[Finding]:
    """Join the hub with the drivers that are required and used."""
    found = next(filter(None, map(hub, project.derive(web_starts))), None)
    if found is None:
        return
    for name, (packages, module, cure, patching) in _DRIVERS.items():
        at = next((each.at for package in packages for each in requirements(project, package)), None)
        if at is None or found.name in patching or _is_mended(project, cure):
            continue
        # What only a lock has may be another group's: then the code must say that it is used.
        is_asked_for = any(nearest(project, package, "") is not None for package in packages)
        used = _used(project, module) or (_engine(project) if name != "gRPC" and is_asked_for else None)
        if used is not None:
            yield Finding(
                at=found.at,
                message=f"{name} waits without letting other requests run under {found.name}",
                hint=_HINTS[name],
                because=(Because(at, f"{name} is required"), Because(used, "used here")),
            )


def _is_mended(project: Project, cure: str) -> bool:
    if not cure:
        return False
    required = {each.name for file in project.of(Requirements) for each in file.requirements}
    paths = [path for path in project.tree.files if path.endswith(".py")]
    sources = [project.source(path) for path in paths]
    return cure in required or any(cure in source.text for source in sources if source is not None)


def _used(project: Project, module: str) -> Place | None:
    for file in project.of(PythonFile):
        if any(name.partition(".")[0] == module for name in file.imports.values()):
            return file.source.at(1)
    return None


def _engine(project: Project) -> Place | None:
    """Return where SQLAlchemy is set up: it imports the driver itself."""
    names = ("flask_sqlalchemy.SQLAlchemy", "sqlalchemy.create_engine")
    found = (call.at for file in project.of(PythonFile) for call in file.calls if call.name in names)
    return next(found, None)
