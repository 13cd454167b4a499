"""A sync worker reads its clients' slow uploads itself: the proxy in front does not buffer requests.

A worker that handles one request at a time waits for the last byte of it.
Behind a proxy that hands on each byte as it comes, a handful of slow clients occupies every worker.
Gunicorn asks for a buffering proxy for that reason.

## Example: behind Caddy

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  caddy:
    image: caddy:2
    volumes:
      - ./Caddyfile:/etc/caddy/Caddyfile:ro
```

```caddy Caddyfile
shop.example.com {
        reverse_proxy web:8000
}
```

## Use instead: threads, which read while others work

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "--threads", "4", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  caddy:
    image: caddy:2
    volumes:
      - ./Caddyfile:/etc/caddy/Caddyfile:ro
```

```caddy Caddyfile
shop.example.com {
        reverse_proxy web:8000
}
```

## Use instead: nginx reads a request whole before it sends it on

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "4", "app:app"]
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
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts
from gunwale.project.gunicorn_workers import worker_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SERVER, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at sync workers whose every layer in front is known to hand requests on byte by byte."""
    seen = set()
    for front in project.derive(fronts):
        server = front.start.server if front.start else None
        if server is None or server.name != "gunicorn" or worker_class(server) != "sync" or server.at in seen:
            continue
        # AWS does not document it; that slow uploads reach the target is reported.
        is_reported = front.last.proxy == "the ALB" and len(front.chain) == 1
        if is_reported or all(layer.buffers is False for layer in front.layers):
            seen.add(server.at)
            yield Finding(
                at=server.setting_at("worker_class"),
                message=f"sync workers read slow clients themselves: {front.last.proxy} does not buffer",
                hint="--worker-class gthread --threads 4, or a proxy that buffers, as nginx does",
                because=(Because(front.last.at, f"{front.last.proxy} hands each byte on as it comes"),),
                confidence=Confidence.LIKELY if is_reported else None,
            )
