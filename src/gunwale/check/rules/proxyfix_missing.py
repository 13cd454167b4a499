"""A proxy is in front, the application uses facts of its client, and nothing puts them right.

Behind a proxy `request.remote_addr` is the proxy's address, the scheme is http, and links in mails and
redirects lead to the wrong place: what the client really sent stands in the X-Forwarded- fields, which Flask
does not read by itself. Limits by address then count everybody as one client.

## Example: a link in a mail, behind nginx with TLS

Flagged at `app.py:3`.

```python app.py
from flask import Flask, url_for

app = Flask(__name__)


@app.post("/reset")
def reset():
    return send(url_for("confirm", token=token(), _external=True))
```

```nginx nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
```

## Example: a Kubernetes Ingress

Flagged at `app.py:3`.

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.remote_addr
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      containers: [{name: web, image: web}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8000}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            backend: {service: {name: web, port: {number: 80}}}
```

## Example: a limit by address

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
limiter = Limiter(key_func=get_remote_address, app=app)
```

```nginx nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
```

## Use instead: ProxyFix with the counts of this chain

```python app.py
from flask import Flask, url_for
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)


@app.post("/reset")
def reset():
    return send(url_for("confirm", token=token(), _external=True))
```

```nginx nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
```

## Use instead: nothing, where the application asks nothing of its client

```python app.py
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "hello"
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Use instead: a proxy for another program needs nothing here

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.remote_addr
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://grafana:3000;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import application, fronts
from gunwale.project.python.client_facts import COUNTED, corrections, proxy_fixes, uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.fronts import Front
    from gunwale.project.model import Project

RULE = About(Topic.PROXYFIX, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at each application that a proxy leads to: what it uses, and whether anything corrects it."""
    seen = set()
    for front in project.derive(fronts):
        made = application(project, front.start)
        if made is None or made.at in seen or _is_corrected(project, front):
            continue
        used = next((use for use in project.derive(uses) if front.holds(use.at.path)), None)
        if used is not None:
            seen.add(made.at)
            yield Finding(
                at=made.at,
                message=f"{front.last.proxy} is in front, and nothing restores what the client sent",
                hint=_hint(front),
                because=(
                    Because(front.last.at, f"{front.last.proxy} passes requests on here"),
                    Because(used.at, f"{used.fact} is the proxy's, not the client's"),
                ),
            )


def _is_corrected(project: Project, front: Front) -> bool:
    server = front.start.server if front.start else None
    if server is not None and (server.name in ("gunwale", "uvicorn") or "trusted_proxy" in server.settings):
        return True
    places = [each.at for each in project.derive(proxy_fixes)] + list(project.derive(corrections))
    return any(front.holds(place.path) for place in places)


def _hint(front: Front) -> str:
    given = [f"x_{name}={count}" for name in COUNTED if (count := front.hops(name))]
    proto = front.last.operation("proto")
    written = "" if proto not in ("pass", "drop") else ", and let the proxy write X-Forwarded-Proto"
    counts = ", ".join(["app.wsgi_app", *given])
    return f"app.wsgi_app = ProxyFix({counts}){written}" if given else f"let it write the fields{written}"
