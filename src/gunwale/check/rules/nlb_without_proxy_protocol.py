"""A network load balancer writes no forwarded fields, and the application believes them.

What arrives in X-Forwarded-For is the client's own text. A network load balancer tells the client's address
by the PROXY protocol, or by keeping it; neither is what ProxyFix reads.

## Example: ProxyFix behind a network load balancer

Flagged at `app.py:5`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
```

```hcl main.tf
resource "aws_lb" "main" {
  name               = "shop"
  load_balancer_type = "network"
}
```

## Use instead: an application load balancer

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
```

```hcl main.tf
resource "aws_lb" "main" {
  name               = "shop"
  load_balancer_type = "application"
}
```

## Use instead: nothing, where a proxy behind it writes the fields

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
```

```hcl main.tf
resource "aws_lb" "main" {
  name               = "shop"
  load_balancer_type = "network"
}
```

```nginx nginx.conf
server {
    listen 443 ssl;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import passages
from gunwale.project.proxies.alb import balancers
from gunwale.project.python.client_facts import COUNTED, proxy_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at a network load balancer where no file shows any proxy that writes fields."""
    found = next(balancers(project, "network"), None)
    if found is None or project.derive(passages):
        return
    for fix in project.derive(proxy_fixes):
        if not fix.is_conditional and any(fix.hops(name) for name in COUNTED):
            yield Finding(
                at=fix.at,
                message="ProxyFix behind a network load balancer, which writes no forwarded field",
                hint="an application load balancer, or the PROXY protocol and no ProxyFix",
                because=(Because(found.at, "a network load balancer"),),
            )
