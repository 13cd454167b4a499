"""Gunicorn is told to use eventlet, which it no longer has.

Gunicorn 26 took the eventlet worker away: it does not start. eventlet itself is in maintenance, and says to
move on.

## Example: with a Gunicorn that may be 26 or newer

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "eventlet", "app:app"]
```

```text requirements.txt
gunicorn
eventlet
```

## Use instead: another worker

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "gevent", "app:app"]
```

```text requirements.txt
gunicorn[gevent]
```

## Use instead: a Gunicorn that has it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--worker-class", "eventlet", "app:app"]
```

```text requirements.txt
gunicorn==23.0.0
eventlet
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.greenlets import hub
from gunwale.project.start_path import web_starts
from gunwale.project.versions import may_be, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.GEVENT, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Join the worker class with the Gunicorn that may be installed."""
    if not may_be(project, "gunicorn", 26):
        return
    said = requirements(project, "gunicorn")
    for start in project.derive(web_starts):
        found = hub(start)
        if found is not None and found.name == "eventlet" and found.is_worker_class:
            yield Finding(
                at=found.at,
                message="Gunicorn has no eventlet worker since 26.0: it does not start",
                hint="use --worker-class gevent or gthread, or require gunicorn<26",
                because=tuple(
                    Because(each.at, f"gunicorn{each.specifier or ', any version'}") for each in said[:1]
                ),
                confidence=None if any(each.must_be(26) for each in said) else Confidence.LIKELY,
            )
