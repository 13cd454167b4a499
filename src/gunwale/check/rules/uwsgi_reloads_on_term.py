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

## Example: under supervisord, which sends SIGTERM too

Flagged at `supervisord.conf:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py uwsgi.ini supervisord.conf ./
CMD ["supervisord", "-c", "supervisord.conf"]
```

```ini supervisord.conf
[supervisord]
nodaemon = true

[program:web]
command = uwsgi --ini uwsgi.ini
```

```ini uwsgi.ini
[uwsgi]
http-socket = :8000
module = app:app
processes = 4
master = true
```

## Use instead: supervisord sends another signal

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py uwsgi.ini supervisord.conf ./
CMD ["supervisord", "-c", "supervisord.conf"]
```

```ini supervisord.conf
[supervisord]
nodaemon = true

[program:web]
command = uwsgi --ini uwsgi.ini
stopsignal = QUIT
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
from gunwale.project.readers.supervisord import Supervisord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.SERVER, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at each container's uWSGI that is told everything in the project."""
    seen = set()
    for start in container_starts(project):
        server, image, service = start.server, start.launch.image, start.launch.service
        if server is None or server.name != "uwsgi" or image is None or server.at in seen:
            continue
        if start.ancestors and not _is_told_to_end(project, start):
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


def _is_told_to_end(project: Project, start: Start) -> bool:
    """Whether supervisord alone stands above, and ends its program by SIGTERM, as it does by default."""
    if start.server is None or any(each.text != "supervisord" for each in start.ancestors):
        return False
    at = start.server.at
    for section in (each for file in project.of(Supervisord) for each in file.programs):
        command, signal = section.last("command"), section.last("stopsignal")
        if command is not None and (command.at.path, command.at.line) == (at.path, at.line):
            return signal is None or signal.value.upper().removeprefix("SIG") == "TERM"
    return False
