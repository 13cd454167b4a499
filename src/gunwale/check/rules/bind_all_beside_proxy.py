"""The server listens on every interface, though its proxy is on the same machine.

Whoever reaches the machine's port goes past the proxy: past TLS, its limits and its access rules, and with
forwarded fields of their own making. Loopback or a Unix socket is all that a proxy beside it needs.

## Example: nginx on the same machine

Flagged at `Procfile:1`.

```text Procfile
web: gunicorn --bind 0.0.0.0:8000 app:app
```

```nginx nginx.conf
server {
    listen 80;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Example: a container on the host's network

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    network_mode: host
```

```nginx nginx.conf
server {
    listen 80;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Use instead: loopback

```text Procfile
web: gunicorn --bind 127.0.0.1:8000 app:app
```

```nginx nginx.conf
server {
    listen 80;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Use instead: every interface of a container, which only the proxy's network reaches

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
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import EVERY_INTERFACE, binds, fronts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.BIND_ALL, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at servers on the machine itself that a proxy reaches by loopback."""
    seen = set()
    for front in project.derive(fronts):
        start = front.start
        if start is None or start.server is None or not _shares_network(start):
            continue
        if not any(goal.is_local for goal in front.last.targets) or start.server.at in seen:
            continue
        for bind in binds(start.server):
            if not bind.socket and bind.host in EVERY_INTERFACE:
                seen.add(start.server.at)
                yield Finding(
                    at=start.server.setting_at("bind"),
                    message=f"listens on every interface; {front.last.proxy} is on the same machine",
                    hint=f"bind 127.0.0.1:{bind.port or '8000'}, or a Unix socket",
                    because=(Because(front.last.at, f"{front.last.proxy} reaches it by loopback"),),
                )


def _shares_network(start: Start) -> bool:
    """Whether the server's interfaces are those of the machine."""
    service = start.launch.service
    return not start.launch.is_container or (service is not None and service.text("network_mode") == "host")
