"""The session cookie is Secure, and the application is published over plain HTTP with nothing before it.

A browser keeps a Secure cookie to itself on http://: the login succeeds, the next page asks for it again.
Where a load balancer or a CDN that no file here shows ends TLS, all is well.

## Example: published on port 80

Flagged at `app.py:5`.

```python app.py
from flask import Flask, session

app = Flask(__name__)
app.config.from_prefixed_env()
app.config["SESSION_COOKIE_SECURE"] = True


@app.route("/")
def index():
    session["seen"] = True
    return ""
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    ports: ["80:8000"]
```

## Use instead: a proxy with TLS publishes it

```python app.py
from flask import Flask, session

app = Flask(__name__)
app.config["SESSION_COOKIE_SECURE"] = True


@app.route("/")
def index():
    session["seen"] = True
    return ""
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
  caddy:
    image: caddy:2
    ports: ["80:80", "443:443"]
```

## Use instead: reached by this machine only

```python app.py
from flask import Flask, session

app = Flask(__name__)
app.config["SESSION_COOKIE_SECURE"] = True


@app.route("/")
def index():
    session["seen"] = True
    return ""
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml compose.yaml
services:
  web:
    build: .
    ports: ["127.0.0.1:80:8000"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.configuration import named
from gunwale.project.python.sessions import session_use
from gunwale.project.readers.compose import Compose
from gunwale.project.roles import of_production
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.COOKIE_SECURE, Severity.WARNING, Confidence.DEFAULT)


def check(project: Project) -> Iterator[Finding]:
    """Join the setting with a service that publishes the application's own port as 80."""
    set_on = [
        each
        for each in named(project, "SESSION_COOKIE_SECURE")
        if isinstance(each.value, Given) and each.value.value is True and not each.value.variables
    ]
    if not set_on or project.derive(session_use) is None or _has_tls(project):
        return
    for start in project.derive(web_starts):
        service, server = start.launch.service, start.server
        if service is None or server is None or "certfile" in server.settings:
            continue
        for port in service.ports:
            if port.published == "80" and not port.is_loopback:
                yield Finding(
                    at=set_on[0].file.at(set_on[0].node),
                    message="the cookie is Secure, and port 80 is plain HTTP: nobody stays signed in",
                    hint="put a proxy with TLS before it",
                    because=(Because(port.at, "published without TLS here"),),
                )
                return


def _has_tls(project: Project) -> bool:
    """Whether a service of production publishes 443."""
    files = {each.path: each for each in project.of(Compose)}
    return any(
        port.published == "443"
        for path in of_production(files)
        for service in files[path].services
        for port in service.ports
    )
