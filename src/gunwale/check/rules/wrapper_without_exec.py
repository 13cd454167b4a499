"""A start script runs the server as its child and stays PID 1.

The shell waits for its child and does nothing on SIGTERM: the server never hears of it, and after the grace
period everything is killed with its requests. `exec` makes the server take the script's place.

## Example: the last line

Flagged at `start.sh:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.sh app.py ./
ENTRYPOINT ["./start.sh"]
```

```sh start.sh
#!/bin/sh
flask db upgrade
gunicorn app:app
```

## Example: the arguments are run without exec

Flagged at `entrypoint.sh:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY entrypoint.sh app.py ./
ENTRYPOINT ["./entrypoint.sh"]
CMD ["gunicorn", "app:app"]
```

```sh entrypoint.sh
#!/bin/sh
flask db upgrade
"$@"
```

## Use instead: exec

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.sh app.py ./
ENTRYPOINT ["./start.sh"]
```

```sh start.sh
#!/bin/sh
flask db upgrade
exec gunicorn app:app
```

## Use instead: a script that passes the signal on

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.sh app.py ./
ENTRYPOINT ["./start.sh"]
```

```sh start.sh
#!/bin/sh
gunicorn app:app &
trap 'kill -TERM $!; wait' TERM
wait
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.process_tree import deaf
from gunwale.project.start import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PID1, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for a script among what stays above each container's server."""
    seen = set()
    for start, ancestor in project.derive(deaf):
        if ancestor.kind is Kind.SCRIPT and ancestor.at not in seen:
            seen.add(ancestor.at)
            yield Finding(
                at=ancestor.at,
                message=f"{ancestor.text} stays above the server: SIGTERM does not reach it",
                hint="put exec before the command of the server",
                because=(Because(start.launch.words[0].at, "started here"),),
            )
