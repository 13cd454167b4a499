"""The proxy hands requests to a name that nothing in its network has.

Inside a container localhost is the proxy's own container, and a service is reached by its name only.
nginx does not even start when it cannot resolve an upstream.

## Example: localhost inside a container

Flagged at `nginx.conf:3`.

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
        proxy_pass http://localhost:8000;
    }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Example: a name that no service has

Flagged at `nginx.conf:3`.

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
        proxy_pass http://flask:8000;
    }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: the service's name

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

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: localhost is right on the host's own network

```yaml compose.yaml
services:
  web:
    build: .
    network_mode: host
  nginx:
    image: nginx:1.29
    network_mode: host
    volumes:
      - ./nginx.conf:/etc/nginx/conf.d/default.conf:ro
```

```nginx nginx.conf
server {
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

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import passages
from gunwale.project.services import names, services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.passage import Target
    from gunwale.project.readers.compose import Service

RULE = About(Topic.SERVER, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at the passages of proxies that run as a compose service of the project."""
    every = project.derive(services)
    for each in project.derive(passages):
        runs = each.service
        if runs is None or _is_open(runs):
            continue
        known = {name for service in every if service.path == runs.path for name in names(service)}
        for goal in each.targets:
            if _is_missing(goal, known, runs, each.at.path):
                yield Finding(
                    at=each.at,
                    message=f"hands requests to {goal.host}, which is no service beside {each.proxy}",
                    hint=f"name the service: {', '.join(sorted(known - names(runs)))}",
                    because=(Because(runs.at, f"{each.proxy} runs as this service"),),
                )
                break


def _is_open(service: Service) -> bool:
    """Whether names may come from elsewhere: another network, links, hosts of its own."""
    keys = ("network_mode", "extra_hosts", "external_links", "links", "networks", "dns")
    return any(service.get(key) is not None for key in keys)


def _is_missing(goal: Target, known: set[str], runs: Service, path: str) -> bool:
    if not goal.host or goal.socket or "$" in goal.host or "{" in goal.host or path == runs.path:
        return False
    is_plain = goal.host.replace("-", "").replace("_", "").isalnum()
    return goal.host not in known and (is_plain or goal.host == "127.0.0.1")
