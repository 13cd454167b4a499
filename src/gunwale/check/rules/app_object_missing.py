"""The server is told of an application that its module does not have.

It starts, imports, finds nothing by that name and stops; the container restarts for ever.

## Example: another name

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:application"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Example: no name, so "application" is looked for

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: the name that is there

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: a factory, called or not

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:create_app('prod')"]
```

```python app.py
from flask import Flask


def create_app(mode):
    return Flask(__name__)
```

## Use instead: imported, or made in a way that is not followed

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "wsgi:app"]
```

```python wsgi.py
from shop import *
```

```python shop.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.modules import find
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.python import PythonFile

RULE = About(Topic.START, Severity.ERROR)
_DEFAULT = {"gunicorn": "application"}
_TOLD = re.compile(r"(?P<module>[\w.]+)(?::(?P<name>\w+)(?:\(.*\))?)?")


def check(project: Project) -> Iterator[Finding]:
    """Join the application as each server is told it with the names of its module."""
    for start in project.derive(web_starts):
        server = start.server
        match = _TOLD.fullmatch(server.application) if server is not None else None
        if server is None or match is None or server.name not in ("gunicorn", "gunwale"):
            continue
        name = match["name"] or _DEFAULT.get(server.name)
        file = find(project, match["module"], start.launch.at.path)
        if file is None or name is None or _may_have(project, file, name):
            continue
        yield Finding(
            at=server.at,
            message=f"{file.path} has no {name!r}, which {server.name} is told to serve",
            hint=f"write {match['module']}:NAME with the name of the Flask object or its factory",
            because=(Because(file.source.at(1), "the module"),),
        )


def _may_have(project: Project, file: PythonFile, name: str) -> bool:
    """Whether the module may have that name, by whatever statement; a module beside it may be a submodule."""
    for node in file.nodes:
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            if name in bound or "*" in bound:
                return True
        if isinstance(node, ast.Global) and name in node.names:
            return True
    folder = file.path.rpartition("/")[0]
    is_dynamic = "globals()" in file.source.text or "__getattr__" in file.functions
    return is_dynamic or f"{folder}/{name}.py".lstrip("/") in project.tree
