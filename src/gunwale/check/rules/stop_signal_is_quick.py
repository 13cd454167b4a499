"""The signal that stops the container is one that Gunicorn takes for "at once".

On SIGTERM Gunicorn finishes what it has accepted, for graceful_timeout.
On SIGINT and SIGQUIT its workers end without it: every request in flight is cut, at each deployment.
Some images and platforms send one of them: STOPSIGNAL, stop_signal in compose, KillSignal of a unit.

## Example: STOPSIGNAL

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
STOPSIGNAL SIGQUIT
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Example: the service says otherwise than the image

Flagged at `compose.yaml:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    stop_signal: SIGINT
```

## Example: a unit

Flagged at `web.service:3`.

```ini web.service
[Service]
ExecStart=/srv/venv/bin/gunicorn --bind 127.0.0.1:8000 app:app
KillSignal=SIGQUIT
```

## Use instead: SIGTERM

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
STOPSIGNAL SIGTERM
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: of nginx, which takes SIGQUIT for the graceful one

```yaml compose.yaml
services:
  web:
    build: .
  nginx:
    image: nginx:1.29
    stop_signal: SIGQUIT
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: a unit that only the master is told by, which hands SIGTERM on

```ini web.service
[Service]
ExecStart=/srv/venv/bin/gunicorn --bind 127.0.0.1:8000 app:app
KillMode=mixed
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.readers.systemd import Unit
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.TIMEOUTS, Severity.ERROR)
_QUICK = {"INT": "SIGINT", "2": "SIGINT", "QUIT": "SIGQUIT", "3": "SIGQUIT"}


def check(project: Project) -> Iterator[Finding]:
    """Look at the signal that each Gunicorn is stopped by."""
    seen = set()
    for start in project.derive(web_starts):
        said = _signal(start)
        name = _QUICK.get(said.value.strip("\"'").upper().removeprefix("SIG")) if said is not None else None
        is_plain = start.server is not None and start.server.name == "gunicorn" and not start.ancestors
        if said is None or name is None or start.server is None or not is_plain or said.at in seen:
            continue
        seen.add(said.at)
        yield Finding(
            at=said.at,
            message=f"{name} ends Gunicorn's workers at once: what is in flight is cut",
            hint="SIGTERM, which it finishes its requests on",
            because=(Because(start.server.at, "it is sent to this"),),
        )


def _signal(start: Start) -> Given[str] | None:
    service, image, platform = start.launch.service, start.launch.image, start.launch.platform
    if isinstance(platform, Unit):
        return platform.service.last("KillSignal")
    node = service.get("stop_signal") if service is not None else None
    if node is not None:
        return Given(node.text or "", node.at)
    said = image.stop_signal if image is not None else None
    return Given(said.value, said.at) if said is not None else None
