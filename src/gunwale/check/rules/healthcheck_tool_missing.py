"""The health check runs a program that the image does not have.

The container is unhealthy from its first check on: compose waits for it in vain, an orchestrator restarts it
for ever. Slim images have neither curl nor wget; Python is there in any case.

## Example: curl on a slim image

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1
CMD ["gunicorn", "app:app"]
```

## Use instead: Python

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8000/health')"]
CMD ["gunicorn", "app:app"]
```

## Use instead: it is installed

```dockerfile Dockerfile
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends curl
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1
CMD ["gunicorn", "app:app"]
```

## Use instead: Alpine's wget

```dockerfile Dockerfile
FROM python:3.13-alpine
COPY app.py .
HEALTHCHECK CMD wget -q --spider http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.base import Reference
from gunwale.project.health import checks
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.ERROR)
_TOOL = re.compile(r"(?:^|[\s\"'\[;&|(/])(curl|wget)(?=[\s\"'])")


def check(project: Project) -> Iterator[Finding]:
    """Compare the program of each check with what the image's base has and its stages install."""
    for start in project.derive(web_starts):
        image = start.launch.image
        for each in checks(start) if image is not None else ():
            assert image is not None
            match = _TOOL.search(each.command)
            tool = match[1] if match and not each.is_http_get else ""
            if tool and tool in _missing(Reference.of(image.base.value)) and not _is_brought(image, tool):
                yield Finding(
                    at=each.at,
                    message=f"{tool} is not in the image: the container is never healthy",
                    hint="ask by python -c with urllib.request, or install it",
                    because=(Because(image.base.at, f"{image.base.value} has none"),),
                )


def _missing(base: Reference) -> tuple[str, ...]:
    """Return which of the tools an official image is known to lack."""
    if base.name == "alpine" or (base.name == "python" and "alpine" in base.tag):
        return ("curl",)
    is_slim = "slim" in base.tag and base.name in ("python", "debian")
    return ("curl", "wget") if is_slim or base.name in ("debian", "ubuntu") else ()


def _is_brought(image: Image, tool: str) -> bool:
    """Whether any step names the tool, or may bring it: a package list that is not in the Dockerfile."""
    for each in image.instructions("RUN", "COPY", "ADD"):
        text = f"{each.value} {each.heredoc}"
        if tool in text or "$(" in text or "xargs" in text or ".sh" in text:
            return True
    return False
