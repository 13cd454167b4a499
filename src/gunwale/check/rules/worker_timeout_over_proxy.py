"""The worker may take longer for a request than the proxy waits for it.

The proxy answers 504 while the worker works on; the client tries again, and two workers are busy with it.
The server's limit belongs below the proxy's.

## Example: two minutes behind one

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--timeout", "120", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  nginx:
    image: nginx:1.29
    volumes:
      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://web:8000;
        proxy_read_timeout 60s;
    }
}
```

## Use instead: the proxy waits longer

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--timeout", "120", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  nginx:
    image: nginx:1.29
    volumes:
      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://web:8000;
        proxy_read_timeout 130s;
    }
}
```

## Use instead: for a threaded worker the setting is no limit of a request

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--threads", "4", "--timeout", "120", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  nginx:
    image: nginx:1.29
    volumes:
      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://web:8000;
        proxy_read_timeout 60s;
    }
}
```
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts
from gunwale.project.gunicorn_workers import worker_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TIMEOUTS, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Compare what is given for a sync worker with the longest wait of the proxies in front."""
    longest: dict[object, float] = {}
    for front in project.derive(fronts):
        wait = front.last.layer().response_timeout
        if front.start is not None and wait is not None:
            at = front.start.server.at if front.start.server else None
            longest[at] = max(longest.get(at, 0), wait)
    seen = set()
    for front in project.derive(fronts):
        server = front.start.server if front.start else None
        if server is None or server.name != "gunicorn" or worker_class(server) != "sync":
            continue
        timeout, wait = server.number("timeout", 30), longest.get(server.at)
        limit = math.inf if timeout == 0 else timeout
        if "timeout" in server.settings and limit and wait and limit > wait and server.at not in seen:
            seen.add(server.at)
            given = front.last.read_timeout
            yield Finding(
                at=server.setting_at("timeout"),
                message=f"a request may take {limit:g} s here, and {front.last.proxy} waits {wait:g} s",
                hint=f"a timeout below {wait:g} s, or let {front.last.proxy} wait longer",
                because=(Because(given.at if given else front.last.at, f"waits {wait:g} s for an answer"),),
                confidence=None if given else Confidence.DEFAULT,
            )
