"""ProxyFix is on while the deployment publishes the application's port with no proxy in front.

It believes the X-Forwarded- fields of whoever connects.
With nothing in front that writes them, every client chooses its own address and scheme: limits, allow-lists
and logs hold what the client likes.

## Example: the port is published, nothing is in front

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "8000:8000"
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Example: the proxy is another compose file's

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "8000:8000"
```

```yaml compose-traefik.yaml
services:
  traefik:
    image: traefik:3.5
  web:
    build: .
    labels:
      - "traefik.http.routers.web.rule=Host(`shop.example`)"
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: on loopback, for a proxy on the host

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "127.0.0.1:8000:8000"
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: only where a proxy is said to be

```python app.py
import os

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
if os.environ.get("BEHIND_PROXY"):
    app.wsgi_app = ProxyFix(app.wsgi_app)
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "8000:8000"
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: nothing to do where a network that others run is joined: their proxy is there

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
```

```yaml compose.yaml
services:
  web:
    build: .
    ports:
      - "8000:8000"
networks:
  proxy:
    external: true
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import open_ports, passages
from gunwale.project.python.client_facts import COUNTED, proxy_fixes
from gunwale.project.readers.compose import Compose
from gunwale.project.readers.compose import is_one as is_compose
from gunwale.project.services import base
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.passage import Passage
    from gunwale.project.readers.compose import Service

RULE = About(Topic.PROXYFIX, Severity.ERROR, Confidence.LIKELY)
_PROXY = re.compile(
    r"nginx|traefik|caddy|haproxy|envoy|httpd|apache|swag|cloudflared|kong|proxy|ngrok|tunnel"
)


def check(project: Project) -> Iterator[Finding]:
    """Look where no proxy of the project leads there, and the compose file shows nothing that may be one."""
    fixes = [
        fix
        for fix in project.derive(proxy_fixes)
        if not fix.is_conditional and any(fix.hops(name) for name in COUNTED)
    ]
    if not fixes:
        return
    for start in project.derive(web_starts):
        ports = open_ports(start)
        image, service = start.launch.image, start.launch.service
        if not ports or image is None or service is None or _may_have_proxy(project, service.path):
            continue
        if any(_may_lead(each, service) for each in project.derive(passages)):
            continue
        folder = "" if image.context in ("", ".") else f"{image.context}/"
        for fix in fixes:
            if fix.at.path.startswith(folder):
                yield Finding(
                    at=fix.at,
                    message="ProxyFix believes every client: the port is published with no proxy in front",
                    hint="add it only where a proxy is (a setting that says so), or publish on 127.0.0.1",
                    because=(Because(ports[0].at, f"service {service.name} is published here"),),
                )
        break


def _may_lead(passage: Passage, service: Service) -> bool:
    """Whether *passage* may lead to what *service* publishes: not that of another compose file or port."""
    home = passage.service.path if passage.service is not None else passage.at.path
    if is_compose(home) and home != service.path:
        return False
    published = {port.published for port in service.ports}
    return not passage.targets or any(
        not goal.socket and not (goal.is_local and goal.port and goal.port not in published)
        for goal in passage.targets
    )


def _may_have_proxy(project: Project, path: str) -> bool:
    compose = project.one(Compose, path)
    if compose is None:
        return True
    networks = compose.node.get("networks")
    if networks and any(node.get("external") for _, node in networks.items()):
        return True
    return any(_PROXY.search(f"{each.name} {base(project, each)}".lower()) for each in compose.services)
