"""ProxyFix counts more values than the chain writes, so it believes the client's own.

The hop count is the position, from the right, of the value that a trusted proxy wrote.
One too many is the value before it, and that one the client chooses: its address in limits, logs and
allow-lists is then its own text.

## Example: two counted, one proxy, which is the edge

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=2, x_proto=1)
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

## Use instead: the count of this chain

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
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts
from gunwale.project.python.client_facts import COUNTED, proxy_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PROXYFIX, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Compare each count with the fold of the chain; a field that no layer writes is another rule's."""
    for fix in project.derive(proxy_fixes):
        for front in project.derive(fronts):
            high = [
                name
                for name in COUNTED
                if (trusted := front.trusted(name)) and (fix.hops(name) or 0) > trusted
            ]
            if high and front.holds(fix.at.path):
                name = high[0]
                right = front.trusted(name)
                yield Finding(
                    at=fix.at,
                    message=f"x_{name}={fix.hops(name)}, but a client forges all but {right} of it",
                    hint=f"x_{name}={front.hops(name)}; ask the chain itself: gunwale hops URL",
                    because=(Because(front.last.at, f"{front.last.proxy} passes requests on here"),),
                    # Without TLS something else may be in front of this proxy.
                    confidence=None if any(each.is_tls for each in front.chain) else Confidence.DEFAULT,
                )
                break
