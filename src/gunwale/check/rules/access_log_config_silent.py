"""A logging configuration of Gunicorn's has no place for the access log.

Gunicorn writes it to the logger "gunicorn.access", which passes nothing on to the root logger: where the
configuration names no handler for it, every line is made and thrown away.

## Example: a file that names other loggers

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--log-config", "logging.conf", "app:app"]
```

```text logging.conf
[loggers]
keys=root

[handlers]
keys=console

[logger_root]
level=INFO
handlers=console
```

## Example: a dict with loggers of its own

Flagged at `gunicorn.conf.py:1`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
logconfig_dict = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"]},
    "loggers": {"shop": {"level": "INFO"}},
}
```

## Use instead: a handler for it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--log-config", "logging.conf", "app:app"]
```

```text logging.conf
[loggers]
keys=root, gunicorn.access

[logger_gunicorn.access]
level=INFO
handlers=console
qualname=gunicorn.access
```

## Use instead: switched on besides

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--log-config", "logging.conf", "--access-logfile", "-", "app:app"]
```

```text logging.conf
[loggers]
keys=root
```

## Use instead: loggers are left as they are

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
logconfig_dict = {"version": 1, "root": {"level": "INFO"}}
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.readers.gunicorn_config import GunicornConfig
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.ACCESS_LOG, Severity.WARNING)
_LOGGER = "gunicorn.access"


def check(project: Project) -> Iterator[Finding]:
    """Look into the configuration that a start of Gunicorn is given, where its access log is not set."""
    for start in project.derive(web_starts):
        server = start.server
        if server is None or server.name != "gunicorn" or server.settings.get("accesslog") is not None:
            continue
        found = _file(project, start) or _dict(project, start)
        if found is not None:
            at, because = found
            yield Finding(
                at=at,
                message="the logging configuration has no gunicorn.access: no access log is written",
                hint="add --access-logfile -, or a handler for the logger gunicorn.access",
                because=because,
            )


def _file(project: Project, start: Start) -> tuple[Place, tuple[Because, ...]] | None:
    for name in ("logconfig", "logconfig_json"):
        given = start.server.settings.get(name) if start.server is not None else None
        if isinstance(given, Given) and isinstance(given.value, str):
            path = _path(project, start, given.value)
            source = project.source(path) if path else None
            if source is not None and _LOGGER not in source.text:
                return given.at, (Because(source.at(1), "this configuration"),)
    return None


def _path(project: Project, start: Start, name: str) -> str | None:
    image = start.launch.image
    if image is not None:
        return image.find(project, name)
    return name if name in project.tree else None


def _dict(project: Project, start: Start) -> tuple[Place, tuple[Because, ...]] | None:
    if start.server is None or "logconfig_dict" not in start.server.settings:
        return None
    for config in project.of(GunicornConfig):
        for node in config.tree.body:
            is_it = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "logconfig_dict"
            if is_it and isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                keys = {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
                # A dict's own "loggers" takes the place of Gunicorn's, which have the access log's.
                if "loggers" in keys and None not in node.value.keys and _LOGGER not in ast.unparse(node):
                    return config.source.at(node.lineno), ()
    return None
