"""Tables are made whenever the application is imported.

Every worker of every task does it at the same moment: on a new database the second one fails ("already
exists") and Gunicorn stops. And a changed table is not changed by it: create_all() makes what is missing.

## Example: at the top of the module

Flagged at `app.py:6`.

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)
db.create_all()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Example: in the factory

Flagged at `app.py:11`.

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


def create_app():
    app = Flask(__name__)
    db.init_app(app)
    with app.app_context():
        db.create_all()
    return app
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:create_app()"]
```

## Use instead: a command, run once before the first task

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


@app.cli.command()
def init():
    db.create_all()


if __name__ == "__main__":
    db.create_all()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: a script of its own, which no server imports

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)
```

```python create_db.py
from app import app, db

with app.app_context():
    db.create_all()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: one process, which has nobody to race

```python app.py
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from waitress import serve

app = Flask(__name__)
db = SQLAlchemy(app)
db.create_all()

if __name__ == "__main__":
    serve(app)
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["python", "app.py"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.processes import several
from gunwale.project.python.applications import applications
from gunwale.project.python.reached import reached
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.CAPACITY, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look for create_all() at the top level and in factories, where more than one process does it."""
    found = project.derive(several)
    if found is None:
        return
    imported = project.derive(reached)
    factories = {(each.file.path, each.factory) for each in project.derive(applications)}
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT or file.path not in imported:
            continue
        for call in file.calls:
            scope = ".".join(call.scope)
            is_imported = not scope or (file.path, scope) in factories
            if call.name.endswith(".create_all") and is_imported and not call.is_main and not call.tests:
                yield Finding(
                    at=call.at,
                    message="create_all() runs in every process at once, whenever one starts",
                    hint="run migrations once, before the first new task: rollout.release_command",
                    because=(Because(found.at, found.what),),
                )
