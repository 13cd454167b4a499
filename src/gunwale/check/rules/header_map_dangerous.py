"""Gunicorn merges fields with an underscore into those with a hyphen.

With `header_map = "dangerous"` a client's `X_Forwarded_For` joins the proxy's `X-Forwarded-For`, and so does
any other field that the proxy cleans by its right name only.

## Example: dangerous

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--header-map", "dangerous", "app:app"]
```

## Use instead: the default, which drops them

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "app:app"]
```

## Use instead: refused with 400

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--header-map", "refuse", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at the setting of each Gunicorn."""
    seen = set()
    for start in project.derive(web_starts):
        server = start.server
        given = server.settings.get("header_map") if server else None
        if server is not None and isinstance(given, Given) and given.value == "dangerous":
            at = server.setting_at("header_map")
            if at not in seen:
                seen.add(at)
                yield Finding(
                    at=at,
                    message="header_map is dangerous: X_Forwarded_For counts as X-Forwarded-For",
                    hint='leave it at "drop"',
                )
