"""Gunicorn writes no access log.

Its default is off, so an incident leaves nothing: not who asked what, nor when, nor how long it took.

## Example: the default

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Example: uWSGI, told not to

Flagged at `uwsgi.ini:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["uwsgi", "--ini", "uwsgi.ini"]
```

```ini uwsgi.ini
[uwsgi]
module = app:app
disable-logging = true
```

## Use instead: the access log on stdout

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--workers", "4", "--access-logfile", "-", "app:app"]
```

## Use instead: in gunicorn.conf.py

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py gunicorn.conf.py ./
CMD ["gunicorn", "--workers", "4", "app:app"]
```

```python gunicorn.conf.py
accesslog = "-"
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.fix import on_line
from gunwale.check.rule import About
from gunwale.project.facts import Unknown
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.check.finding import Fix
    from gunwale.project.facts import Place
    from gunwale.project.model import Project

_NAMES = {"gunicorn": "Gunicorn", "uwsgi": "uWSGI"}
_HINTS = {
    "gunicorn": "add --access-logfile -, or serve with gunwale, which writes a line of JSON a request",
    "uwsgi": "take disable-logging out: uWSGI logs every request unless it is told not to",
}
RULE = About(Topic.ACCESS_LOG, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at each start of Gunicorn; a logging configuration of its own may bring one: no finding."""
    for start in project.derive(web_starts):
        server = start.server
        if server is None or server.name not in _NAMES:
            continue
        found = server.settings.get("accesslog")
        is_off = found is None or (not isinstance(found, Unknown) and not found.value)
        if is_off and not server.settings.keys() & {
            "logconfig",
            "logconfig_dict",
            "logconfig_json",
            "logger_class",
        }:
            # Behind a platform's router, its own log of requests is there.
            is_routed = start.launch.is_routed
            yield Finding(
                at=server.setting_at("accesslog"),
                message=f"{_NAMES[server.name]} writes no access log",
                hint=_HINTS[server.name],
                fix=_fix(project, server.at) if found is None else None,
                confidence=Confidence.DEFAULT if is_routed else None,
            )


def _fix(project: Project, at: Place) -> Fix | None:
    """Write the option where the command is written, as a list or as a line."""
    as_list = on_line(project, at, '"gunicorn", ', '"gunicorn", "--access-logfile", "-", ')
    return as_list or on_line(project, at, "gunicorn ", "gunicorn --access-logfile - ")
