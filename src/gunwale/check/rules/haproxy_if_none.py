"""HAProxy writes X-Forwarded-For only where the client has sent none.

`option forwardfor if-none` works in every test, since nobody sends the field by chance; whoever does send it
is believed to be who they say.

## Example: if-none

Flagged at `haproxy.cfg:3`.

```text haproxy.cfg
frontend web
    bind *:443 ssl crt site.pem
    option forwardfor if-none
    default_backend app

backend app
    server one 127.0.0.1:8000
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: always

```text haproxy.cfg
frontend web
    bind *:443 ssl crt site.pem
    option forwardfor
    default_backend app

backend app
    server one 127.0.0.1:8000
```

```python app.py
from flask import Flask

app = Flask(__name__)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at every HAProxy on a way to the application."""
    seen = set()
    for front in project.derive(fronts):
        for each in front.chain:
            at = each.sends.get("x-forwarded-for")
            is_found = each.proxy == "HAProxy" and each.operation("for") == "if-absent"
            if is_found and at is not None and at not in seen:
                seen.add(at)
                yield Finding(
                    at=at,
                    message="a client that sends X-Forwarded-For is believed: if-none leaves it as it came",
                    hint="option forwardfor, without if-none",
                    because=(Because(each.at, "the application is reached here"),),
                )
