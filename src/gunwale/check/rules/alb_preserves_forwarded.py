"""The load balancer leaves X-Forwarded-For as the client sent it, and the application believes it.

With `xff_header_processing_mode = "preserve"` the load balancer adds nothing: whoever sends the field
chooses the address that limits, logs and allow-lists see.

## Example: preserve, and ProxyFix

Flagged at `main.tf:4`.

```hcl main.tf
resource "aws_lb" "main" {
  name                       = "shop"
  load_balancer_type         = "application"
  xff_header_processing_mode = "preserve"
}
```

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
```

## Use instead: append, the default

```hcl main.tf
resource "aws_lb" "main" {
  name                       = "shop"
  load_balancer_type         = "application"
  xff_header_processing_mode = "append"
}
```

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.proxies.alb import balancers
from gunwale.project.python.client_facts import proxy_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at each load balancer where a ProxyFix counts X-Forwarded-For."""
    reading = [fix for fix in project.derive(proxy_fixes) if fix.hops("for")]
    for block in balancers(project, "application"):
        mode = block.node.get("xff_header_processing_mode")
        if mode is not None and mode.text == "preserve" and reading:
            yield Finding(
                at=mode.at,
                message="preserve leaves X-Forwarded-For as the client sent it",
                hint='xff_header_processing_mode = "append"',
                because=(Because(reading[0].at, "believed here"),),
            )
