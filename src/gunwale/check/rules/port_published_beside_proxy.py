"""The application's port is published beside the proxy in front of it.

Whoever reaches the port goes past the proxy: past TLS, its limits and its access rules, and with forwarded
fields of their own making that ProxyFix believes. Docker publishes past the host's firewall, too.

## Example: both are published

Flagged at `compose.yaml:5`.

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "8000:8000"
  nginx:
    image: nginx:1.29
    volumes:
      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro
    ports:
      - "80:80"
```

```nginx nginx.conf
server {
    listen 80;
    location / {
        proxy_pass http://web:8000;
    }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: the proxy reaches the service by its name

```yaml compose.yaml
services:
  web:
    build: .
    expose:
      - "8000"
  nginx:
    image: nginx:1.29
    volumes:
      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro
    ports:
      - "80:80"
```

```nginx nginx.conf
server {
    listen 80;
    location / {
        proxy_pass http://web:8000;
    }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: on the host's loopback, for a proxy that runs there

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "127.0.0.1:8000:8000"
```

```nginx nginx.conf
server {
    listen 80;
    location / {
        proxy_pass http://localhost:8000;
    }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts, open_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.BIND_ALL, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at the service behind each way in: which of its ports every interface of the host has."""
    seen = set()
    for front in project.derive(fronts):
        for port in open_ports(front.start) if front.start else []:
            if port.at not in seen:
                seen.add(port.at)
                yield Finding(
                    at=port.at,
                    message=f"port {port.published or port.target} is reachable past {front.last.proxy}",
                    hint=f"remove it, or publish it as 127.0.0.1:{port.published}:{port.target}",
                    because=(Because(front.last.at, f"{front.last.proxy} passes requests on to it here"),),
                )
