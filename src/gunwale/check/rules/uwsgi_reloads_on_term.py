"""uWSGI takes SIGTERM for "reload", so the container is killed at the end of its grace period.

Without `die-on-term` uWSGI 2.0 starts its workers anew on SIGTERM and goes on serving. What is in flight when
SIGKILL comes is cut, at every deployment, after waiting for nothing.

## Example: an .ini without it

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py uwsgi.ini ./
CMD ["uwsgi", "--ini", "uwsgi.ini"]
```

```ini uwsgi.ini
[uwsgi]
http-socket = :8000
module = app:app
processes = 4
master = true
```

## Use instead: die-on-term

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py uwsgi.ini ./
CMD ["uwsgi", "--ini", "uwsgi.ini"]
```

```ini uwsgi.ini
[uwsgi]
http-socket = :8000
module = app:app
processes = 4
master = true
die-on-term = true
```

## Use instead: another signal

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py ./
STOPSIGNAL SIGINT
CMD ["uwsgi", "--http-socket", ":8000", "--module", "app:app", "--processes", "4"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Unknown
from gunwale.project.process_tree import container_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SERVER, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at each container's uWSGI that is told everything in the project."""
    seen = set()
    for start in container_starts(project):
        server, image, service = start.server, start.launch.image, start.launch.service
        if server is None or server.name != "uwsgi" or image is None or server.at in seen or start.ancestors:
            continue
        is_hidden = isinstance(server.settings.get("workers"), Unknown)
        is_other = image.stop_signal is not None or (service is not None and service.get("stop_signal"))
        if "die-on-term" not in server.settings and not is_hidden and not is_other:
            seen.add(server.at)
            yield Finding(
                at=server.at,
                message="uWSGI reloads on SIGTERM and is killed later: die-on-term is not set",
                hint="add die-on-term = true, or --die-on-term",
            )
