"""ProxyFix counts fewer values than the chain appends, so every client is a proxy.

The value it takes was written by a proxy about the proxy before it. Limits by address then count all clients
as one, and an allow-list of internal addresses lets everybody in.

## Example: two proxies, one counted

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
```

```yaml compose.yaml
services:
  web:
    build: .
  inner:
    image: nginx:1.29
    volumes:
      - ./inner/nginx.conf:/etc/nginx/conf.d/default.conf:ro
  edge:
    image: nginx:1.29
    volumes:
      - ./edge/nginx.conf:/etc/nginx/conf.d/default.conf:ro
```

```nginx edge/nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://inner;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

```nginx inner/nginx.conf
server {
    location / {
        proxy_pass http://web:8000;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: both

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=2, x_proto=0)
```

```yaml compose.yaml
services:
  web:
    build: .
  inner:
    image: nginx:1.29
    volumes:
      - ./inner/nginx.conf:/etc/nginx/conf.d/default.conf:ro
  edge:
    image: nginx:1.29
    volumes:
      - ./edge/nginx.conf:/etc/nginx/conf.d/default.conf:ro
```

```nginx edge/nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://inner;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

```nginx inner/nginx.conf
server {
    location / {
        proxy_pass http://web:8000;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
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
from gunwale.project.fronts import fronts
from gunwale.project.passage import FIELDS
from gunwale.project.python.client_facts import COUNTED, proxy_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROXYFIX, Severity.WARNING, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Compare each count that is given with the position of the client's own value; 0 is a choice."""
    for fix in project.derive(proxy_fixes):
        for front in project.derive(fronts):
            low = [
                name
                for name in COUNTED
                if front.trusted(name) and 0 < (fix.hops(name) or 0) < front.hops(name)
            ]
            if low and front.holds(fix.at.path):
                name, right = low[0], front.hops(low[0])
                yield Finding(
                    at=fix.at,
                    message=f"x_{name}={fix.hops(name)}, but {right} proxies write {FIELDS[name]}",
                    hint=f"x_{name}={right}; ask the chain itself: gunwale hops URL",
                    because=tuple(
                        Because(each.at, f"{each.proxy} writes a value here") for each in front.chain
                    ),
                )
                break
