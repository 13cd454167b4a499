"""The server closes idle connections before the proxy in front of it does.

The proxy then sends a request into a connection that is just being closed, and answers its client with 502.
The server must keep a connection longer than the proxy's idle timeout: then the proxy is the one to close it.
Gunicorn's sync worker closes every connection after its answer, and is not concerned.

## Example: five seconds behind Caddy's two minutes

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--keep-alive", "5", "app:app"]
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

## Example: nginx, told to keep connections

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--keep-alive", "5", "app:app"]
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
upstream application {
    server web:8000;
    keepalive 32;
}
server {
    location / {
        proxy_pass http://application;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
}
```

## Use instead: longer than the proxy

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--keep-alive", "125", "app:app"]
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

## Use instead: the sync worker keeps none

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--keep-alive", "5", "app:app"]
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

## Use instead: a proxy that keeps them for a shorter time

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--keep-alive", "75", "app:app"]
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
        reverse_proxy web:8000 {
                transport http {
                        keepalive 60s
                }
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

RULE = About(Topic.TIMEOUTS, Severity.WARNING)
_DEFAULT = 2  # seconds; gunicorn 27.0.1


def check(project: Project) -> Iterator[Finding]:
    """Compare with the idle timeout of the layer in front; nginx keeps no connection unless told to."""
    seen = set()
    for front in project.derive(fronts):
        server = front.start.server if front.start else None
        if server is None or server.name != "gunicorn" or worker_class(server) in (None, "sync"):
            continue
        keepalive = server.number("keepalive", _DEFAULT)
        is_kept = front.last.proxy != "nginx" or front.last.idle_timeout is not None
        idle = front.last.layer().idle_timeout if is_kept else None
        if keepalive is not None and idle is not None and keepalive <= idle and server.at not in seen:
            seen.add(server.at)
            yield Finding(
                at=server.setting_at("keepalive"),
                message=f"keeps idle connections {keepalive:g} s, {front.last.proxy} {idle:g} s: 502s",
                hint=f"--keep-alive {idle + 5:g}: above the proxy's",
                because=(
                    Because(
                        (front.last.idle_timeout or front.last).at,
                        f"{front.last.proxy} keeps its connections {idle:g} s",
                    ),
                ),
                confidence=None if "keepalive" in server.settings else Confidence.LIKELY,
            )
