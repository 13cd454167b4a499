"""The health check gives up before the server can have started.

What runs before the server, a migration or a pause in the entrypoint, belongs to the start.
A liveness probe or ECS' container check that gives up meanwhile kills the container, in the middle of the
migration, and the next one begins it anew; after HEALTHCHECK an unhealthy container is what depends_on waits
for in vain.
The budget is the start period and as many intervals as there are retries; a startup probe is made for this.

## Example: a pause that is longer than the check's patience

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh ./
HEALTHCHECK --interval=5s --retries=3 CMD curl -fsS http://localhost:8000/health
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
sleep 30
exec gunicorn --bind 0.0.0.0:8000 app:app
```

## Example: a migration, and a liveness probe that waits for half a minute

Flagged at `k8s.yaml:10`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh ./
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
flask db upgrade
exec gunicorn --bind 0.0.0.0:8000 app:app
```

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          livenessProbe:
            httpGet: {path: /health, port: 8000}
```

## Use instead: a start period above it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh ./
HEALTHCHECK --interval=5s --retries=3 --start-period=60s CMD curl -fsS http://localhost:8000/health
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
sleep 30
exec gunicorn --bind 0.0.0.0:8000 app:app
```

## Use instead: a startup probe, before which nobody asks for liveness

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh ./
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
flask db upgrade
exec gunicorn --bind 0.0.0.0:8000 app:app
```

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          startupProbe:
            httpGet: {path: /health, port: 8000}
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /health, port: 8000}
```

## Use instead: a pause that is not the server's

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh ./
HEALTHCHECK --interval=5s --retries=3 CMD curl -fsS http://localhost:8000/health
CMD ["./start.sh"]
```

```sh start.sh
#!/bin/sh
if [ -n "$SLOW" ]; then
  sleep 30
fi
exec gunicorn --bind 0.0.0.0:8000 app:app
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import COMPOSE, ECS, LIVENESS, READINESS, STARTUP, checks, timing
from gunwale.project.readers.shell_script import ShellScript
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.health import Check
    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.project.syntax.shell import Command

RULE = About(Topic.PROBES, Severity.WARNING)
_MIGRATION = re.compile(r"\b(?:db|alembic|manage\.py\s+db)\s+upgrade\b|\bmigrate\b")
_LEAST = 60  # seconds that a migration may well take
_PAUSE = re.compile(r"\d+(?:\.\d+)?s?")


def check(project: Project) -> Iterator[Finding]:
    """Compare what runs before the server on its start path with the patience of each check."""
    seen = set()
    for start in project.derive(web_starts):
        before = list(_before(project, start))
        pauses = [each for each in before if each.words[0] == "sleep" and _is_certain(each)]
        paused = sum(float(each.words[1].removesuffix("s")) for each in pauses)
        migration = next((each for each in before if _MIGRATION.search(" ".join(each.words))), None)
        for each, patience in _patience(start):
            if each.at in seen:
                continue
            if paused > patience:
                seen.add(each.at)
                what = f"the server starts after {paused:g} s, the check gives up after {patience:g} s"
                yield _finding(each, what, Because(pauses[0].at, "it waits here"), Confidence.CERTAIN)
            elif migration is not None and patience < _LEAST and each.by in (LIVENESS, STARTUP, ECS):
                seen.add(each.at)
                what = f"a migration runs first, and the check kills it after {patience:g} s"
                yield _finding(each, what, Because(migration.at, "it runs here"), Confidence.LIKELY)


def _finding(each: Check, message: str, because: Because, confidence: Confidence) -> Finding:
    asked_first = "a startupProbe" if each.by in (LIVENESS, STARTUP) else "a start period"
    return Finding(
        at=each.at,
        message=message,
        hint=f"{asked_first} that is longer than the longest start",
        because=(because,),
        confidence=confidence,
    )


def _patience(start: Start) -> Iterator[tuple[Check, float]]:
    """Yield each check that has a say in the start, and the seconds after which it gives up."""
    found = checks(start)
    names, image = [each.by for each in found], start.launch.image
    is_inherited = image is not None and image.healthcheck is not None  # what a service leaves out
    for each in found:
        if each.by == READINESS or (each.by == LIVENESS and STARTUP in names):
            continue
        if each.by == COMPOSE and is_inherited:
            continue
        parts = [timing(each, name) for name in ("start", "period", "retries")]
        if None not in parts:
            first, period, retries = (float(part or 0) for part in parts)
            yield each, first + period * retries


def _before(project: Project, start: Start) -> Iterator[Command]:
    """Yield the commands that end before the server is started, of every script on its path."""
    for step in start.steps:
        script = project.one(ShellScript, step.at.path) if step.at.path.endswith((".sh", ".bash")) else None
        for command in script.script.commands if script is not None else ():
            is_run = command.words and not (command.is_in_function or command.is_background)
            if is_run and command.at.line < step.at.line:
                yield command


def _is_certain(command: Command) -> bool:
    is_plain = not (command.condition or command.is_looped or command.is_piped)
    return is_plain and len(command.words) == 2 and _PAUSE.fullmatch(command.words[1]) is not None
