"""The application allows larger uploads than the proxy lets through.

The proxy answers 413 with a page of its own, before the application has seen the request: the limit that the
application states, and the message it would give, are never used.

## Example: sixteen megabytes behind eight

Flagged at `app.py:4`.

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
```

```nginx nginx.conf
server {
    client_max_body_size 8m;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Use instead: the proxy's limit above the application's

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
```

```nginx nginx.conf
server {
    client_max_body_size 17m;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

## Use instead: no limit at the proxy

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
```

```nginx nginx.conf
server {
    client_max_body_size 0;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale import units
from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.fronts import fronts
from gunwale.project.python.configuration import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TIMEOUTS, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Compare MAX_CONTENT_LENGTH with the largest body that any way in lets through."""
    ways = project.derive(fronts)
    limits = [front.last.layer().max_body for front in ways]
    if not ways or not all(limits):  # none, or 0: any size
        return
    largest = max(limit for limit in limits if limit)
    front = ways[limits.index(largest)]
    for setting in named(project, "MAX_CONTENT_LENGTH"):
        value = setting.value
        if isinstance(value, Given) and isinstance(value.value, int) and value.value > largest:
            given, allowed = front.last.max_body, units.show_size(value.value)
            yield Finding(
                at=setting.at,
                message=f"allows {allowed}, {front.last.proxy} {units.show_size(largest)}",
                hint=f"let {front.last.proxy} take more than {allowed}, or allow less",
                because=(
                    Because(given.at if given else front.last.at, "a larger body is answered 413 here"),
                ),
                confidence=None if given else Confidence.DEFAULT,
            )
