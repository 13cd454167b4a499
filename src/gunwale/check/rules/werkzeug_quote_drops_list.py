"""A client's quotation mark makes ProxyFix see no address at all, and everybody is then the proxy.

Since Werkzeug 3.1.7 an unclosed quotation mark empties the list that ProxyFix reads.
Sent through a proxy that appends, `X-Forwarded-For: "` leaves the proxy's own address as the client's: past
limits by address, and into what only internal addresses may see. A proxy that overwrites the field is not
concerned.

## Example: an appending proxy and Werkzeug 3.1.9

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
```

```nginx nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
}
```

```text requirements.txt
werkzeug==3.1.9
```

## Use instead: overwrite the field at the edge

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
```

```nginx nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

```text requirements.txt
werkzeug==3.1.9
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts
from gunwale.project.python.client_facts import proxy_fixes
from gunwale.project.versions import may_be, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at ways in whose every proxy appends: the client's text reaches ProxyFix."""
    if not may_be(project, "werkzeug", 3, 1, 7):
        return
    is_pinned = any(each.pinned for each in requirements(project, "werkzeug"))
    for fix in project.derive(proxy_fixes):
        for front in project.derive(fronts):
            is_appended = all(each.operation("for") == "append" for each in front.chain)
            if fix.hops("for") and is_appended and front.holds(fix.at.path):
                yield Finding(
                    at=fix.at,
                    message="a client's quotation mark in X-Forwarded-For makes it the proxy",
                    hint=f"let {front.chain[0].proxy} overwrite the field, or serve with gunwale",
                    because=(Because(front.last.at, f"{front.last.proxy} appends to the client's text"),),
                    confidence=None if is_pinned else Confidence.DEFAULT,
                )
                break
