"""The container's command is in shell form, and nothing makes the shell give its place to the server.

Docker signals PID 1 only. Where a shell stays there, SIGTERM does not reach the server: requests in
flight are cut after the grace period, at every deployment.
Some shells do replace themselves by the last command of a line, others do not, and none does before it:
`exec`, or the JSON form, is sure.

## Example: the shell form

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD gunicorn --bind 0.0.0.0:$PORT app:app
```

## Example: a line for a shell in compose

Flagged at `compose.yaml:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
```

```yaml compose.yaml
services:
  web:
    build: .
    command: sh -c "flask db upgrade && gunicorn app:app"
```

## Example: what is piped stays a child, exec or not

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD exec gunicorn app:app | tee /log
```

## Use instead: the JSON form

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: exec, where a variable is needed

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD exec gunicorn --bind 0.0.0.0:$PORT app:app
```

## Use instead: exec after what is done before

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["sh", "-c", "flask db upgrade && exec gunicorn app:app"]
```

## Use instead: compose runs a text without a shell

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
```

```yaml compose.yaml
services:
  web:
    build: .
    command: gunicorn --workers 4 app:app
```

## Use instead: Heroku signals every process

```procfile Procfile
web: gunicorn app:app
```
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.process_tree import container_starts
from gunwale.project.start import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Given
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.PID1, Severity.WARNING)
_SHELLS = ("sh", "bash", "ash", "dash")
_EXEC = re.compile(r"(?:^|[;&|{(\n]|\bthen|\bdo)\s*exec\s")


def check(project: Project) -> Iterator[Finding]:
    """Look at what each container is told to run, and at the shells that stay above its server."""
    seen = set()
    for start in container_starts(project):
        line = _line(start)
        if line is None or line.at in seen or any(a.kind is Kind.BACKGROUND for a in start.ancestors):
            continue
        stays = any(a.kind is Kind.LINE and not a.passes_signals for a in start.ancestors)
        if stays or not _EXEC.search(line.value):
            seen.add(line.at)
            server = start.server
            because = (Because(server.at, f"{server.name} is below it"),) if server else ()
            yield Finding(
                at=line.at,
                message="a shell is PID 1 and may keep SIGTERM from the server",
                hint='write the JSON form, ["gunicorn", …], or put exec before the server',
                because=because if server and server.at.path != line.at.path else (),
            )


def _line(start: Start) -> Given[str] | None:
    """Return the line that the container's own command has a shell run."""
    words = start.launch.words
    for number, word in enumerate(words[:-2]):
        is_shell = posixpath.basename(word.value) in _SHELLS
        flag = words[number + 1].value
        if is_shell and flag.startswith("-") and flag.endswith("c"):
            return words[number + 2]
    return None
