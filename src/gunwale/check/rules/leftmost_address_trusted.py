"""The first value of X-Forwarded-For is taken for the client's address.

Proxies append on the right, so the first value is the one that the client itself may have sent.
Limits by address, allow-lists and audit logs then hold what an attacker writes.

## Example: the first of the list

Flagged at `app.py:8`.

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.headers.get("X-Forwarded-For", request.remote_addr).split(",")[0]
```

## Example: Werkzeug's name for the list

Flagged at `app.py:8`.

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.access_route[0]
```

## Use instead: counted from the right

```python app.py
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)


@app.get("/")
def index():
    return request.remote_addr
```

## Use instead: the first is right where the only proxy overwrites the list

```python app.py
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return request.headers["X-Forwarded-For"].split(",")[0]
```

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts
from gunwale.project.python.client_facts import raw_reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROXYFIX, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at each read of the list's first value, unless every way in overwrites the list."""
    for read in project.derive(raw_reads):
        ways = [front for front in project.derive(fronts) if front.holds(read.at.path)]
        appending = [front for front in ways if front.last.operation("for") not in ("overwrite", "unknown")]
        if read.is_leftmost and read.field == "X-Forwarded-For" and (appending or not ways):
            yield Finding(
                at=read.at,
                message="takes the first X-Forwarded-For for the client: it is the one a client can forge",
                hint="use request.remote_addr behind ProxyFix with x_for of this chain",
                because=tuple(
                    Because(front.last.at, f"{front.last.proxy} leaves the client's values in front")
                    for front in appending[:1]
                ),
            )
