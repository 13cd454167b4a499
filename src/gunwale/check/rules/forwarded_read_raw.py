"""The application reads a forwarded field by itself, and what it reads is the client's own text.

A field that no proxy writes, or that a proxy appends to, holds whatever the client put there.
ProxyFix with the chain's counts takes the one value that cannot be forged, and puts it where Flask reads it.

## Example: nginx does not write the field

Flagged at `app.py:8`.

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.headers.get("X-Real-IP", "")
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

## Use instead: what ProxyFix has put right

```python app.py
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)


@app.get("/")
def index():
    return request.remote_addr
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

## Use instead: a field that nginx overwrites holds no client's text

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.headers.get("X-Real-IP", "")
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Real-IP $remote_addr;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts, open_ports, passages
from gunwale.project.passage import BY_FIELD
from gunwale.project.python.client_facts import raw_reads
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.python.client_facts import RawRead

RULE = About(Topic.PROXYFIX, Severity.WARNING, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at each read with the ways in; the first value of a list is another rule's."""
    for read in project.derive(raw_reads):
        if not read.is_leftmost:
            yield from _judge(project, read)


def _judge(project: Project, read: RawRead) -> Iterator[Finding]:
    ways = [front for front in project.derive(fronts) if front.holds(read.at.path)]
    field = BY_FIELD.get(read.field.lower(), "")
    forged = next((front for front in ways if field and front.last.operation(field) in _CLIENTS), None)
    if ways and forged is None:
        return
    ports = [port for start in project.derive(web_starts) for port in open_ports(start)]
    is_open = not project.derive(passages) and bool(ports)
    because = (
        (Because(forged.last.at, f"{forged.last.proxy} hands on what the client sent"),) if forged else ()
    )
    yield Finding(
        at=read.at,
        message=f"reads {read.field} itself, which a client can write",
        hint="use request.remote_addr, .scheme and .host behind ProxyFix with the chain's counts",
        because=because or tuple(Because(port.at, "published with no proxy in front") for port in ports[:1]),
        # Which proxy is in front, the project does not say: it may be one that overwrites the field.
        confidence=None if forged or is_open else Confidence.DEFAULT,
    )


_CLIENTS = ("pass", "append", "append2", "if-absent")
