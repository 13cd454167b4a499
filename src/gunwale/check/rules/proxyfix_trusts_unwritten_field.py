"""ProxyFix believes a field that no proxy of the chain writes.

What the proxy does not write, it hands on as the client sent it.
A client then chooses its address, its scheme, or the host that links in mails are built with.
X-Forwarded-Host and X-Forwarded-Prefix are written by few proxies.

## Example: the snippet with four ones, behind nginx that writes two

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
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

## Example: on Fly, whose proxy writes no host

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=2, x_proto=1, x_host=1)
```

```toml fly.toml
app = "shop"

[http_service]
internal_port = 8000
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: what this nginx writes

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
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

## Use instead: what is included from a file that the project does not hold is not known

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)
```

```nginx nginx.conf
server {
    location / {
        include /etc/nginx/snippets/headers.conf;
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Use instead: a field that is dropped cannot be forged

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0, x_host=1)
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Host "";
    }
}
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

    from gunwale.project.fronts import Front
    from gunwale.project.model import Project
    from gunwale.project.python.client_facts import ProxyFix

RULE = About(Topic.PROXYFIX, Severity.ERROR, Confidence.LIKELY)
_MENDED_BY_PROXY = ("for", "proto")


def check(project: Project) -> Iterator[Finding]:
    """Compare every ProxyFix with every way in: what it counts, and what hands the client's own on."""
    for fix in project.derive(proxy_fixes):
        for front in project.derive(fronts):
            unwritten = [name for name in COUNTED if fix.hops(name) and _is_clients(front, name)]
            if front.holds(fix.at.path) and unwritten:
                yield _finding(fix, front, unwritten)
                break


def _is_clients(front: Front, name: str) -> bool:
    is_handed_on = all(each.operation(name) in ("pass", "if-absent") for each in front.chain)
    return is_handed_on and front.trusted(name) == 0


def _finding(fix: ProxyFix, front: Front, unwritten: list[str]) -> Finding:
    arguments = ", ".join(f"x_{name}={fix.hops(name)}" for name in unwritten)
    fields = " and ".join(FIELDS[name] for name in unwritten if name in _MENDED_BY_PROXY)
    zeros = ", ".join(f"x_{name}=0" for name in unwritten if name not in _MENDED_BY_PROXY)
    hints = [f"let {front.last.proxy} write {fields}"] * bool(fields) + [f"say {zeros}"] * bool(zeros)
    # Handed on on purpose, or counted past this chain: another layer in front may write it.
    is_longer = (fix.hops("for") or 0) > (front.trusted("for") or 0) > 0
    is_meant = any(FIELDS[name].lower() in front.last.sends for name in unwritten)
    return Finding(
        at=fix.at,
        message=f"ProxyFix believes {arguments}, which {front.last.proxy} hands on as the client sent it",
        hint=", ".join(hints),
        because=(Because(front.last.at, "passed on here without writing it"),),
        severity=Severity.WARNING if unwritten == ["proto"] else None,
        confidence=Confidence.DEFAULT if is_longer or is_meant else None,
    )
