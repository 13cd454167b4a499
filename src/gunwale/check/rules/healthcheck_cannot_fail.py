"""The health check succeeds whatever the application answers.

curl ends well on any answer, a 500 too, unless it is given `--fail`; and `|| true` makes a success of
everything. The container counts as healthy while it serves errors, and a roll-out goes on over it.

## Example: curl without --fail

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
RUN apt-get update && apt-get install -y curl
COPY app.py .
HEALTHCHECK CMD curl http://localhost:8000/health || exit 1
CMD ["gunicorn", "app:app"]
```

## Example: || true

Flagged at `compose.yaml:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    healthcheck:
      test: wget -q -O - http://localhost:8000/health || true
```

## Use instead: --fail

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    healthcheck:
      test: ["CMD", "curl", "-fsS", "http://localhost:8000/health"]
```

## Use instead: the answer is read

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    healthcheck:
      test: curl -s http://localhost:8000/health | grep -q ok
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.health import checks
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.WARNING)
_CURL = re.compile(r"\bcurl\s(?P<words>[^|;&]*)")
_FAIL = re.compile(r"(?:^|\s)(?:--fail\S*|-[a-zA-Z]*f[a-zA-Z]*)(?=\s|$)")
_ALWAYS = re.compile(r"(?:\|\||;)\s*(?:true|:|exit 0)\s*[\"']?\]?$")


def check(project: Project) -> Iterator[Finding]:
    """Look at the command of each check that runs in the container."""
    seen = set()
    for start in project.derive(web_starts):
        for each in checks(start):
            why = _why(each.command)
            if why and each.at not in seen:
                seen.add(each.at)
                yield Finding(
                    at=each.at,
                    message=f"the health check cannot fail: {why}",
                    hint="curl -fsS URL, with nothing after it",
                )


def _why(command: str) -> str:
    if _ALWAYS.search(command.strip()):
        return "its end makes a success of everything"
    match = _CURL.search(command.replace('"', " ").replace(",", " ").replace("[", " ").replace("]", " "))
    if match is None or _FAIL.search(match["words"]) or "%{" in command or "$(" in command or "`" in command:
        return ""
    is_read = re.search(r"(?<!\|)\|(?!\|)", command) is not None
    return "" if is_read else "curl without --fail ends well on a 500 too"
