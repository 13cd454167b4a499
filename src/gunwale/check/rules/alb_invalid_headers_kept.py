"""The load balancer hands on fields with an invalid name, such as X_Forwarded_For.

A server that turns `X_Forwarded_For` and `X-Forwarded-For` into one CGI variable then lets a client write
past what the load balancer has written: uWSGI joins both, Granian takes the last. Gunicorn and Waitress drop
such names.

## Example: the default

Flagged at `main.tf:1`.

```hcl main.tf
resource "aws_lb" "main" {
  name               = "shop"
  load_balancer_type = "application"
}
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: dropped

```hcl main.tf
resource "aws_lb" "main" {
  name                       = "shop"
  load_balancer_type         = "application"
  drop_invalid_header_fields = true
}
```

```python app.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.proxies.alb import balancers
from gunwale.project.python.applications import applications
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.NOTE)
_JOINING = ("uwsgi", "granian", "cheroot")


def check(project: Project) -> Iterator[Finding]:
    """Look at each load balancer; the server behind it makes advice a warning."""
    if not project.derive(applications):
        return
    servers = {start.server.name for start in project.derive(web_starts) if start.server}
    for block in balancers(project, "application"):
        given = block.node.get("drop_invalid_header_fields")
        if given is None or given.scalar() is False:
            yield Finding(
                at=given.at if given else block.at,
                message="fields with an invalid name are handed on: X_Forwarded_For is the client's",
                hint="drop_invalid_header_fields = true",
                severity=Severity.WARNING if servers & set(_JOINING) else None,
            )
