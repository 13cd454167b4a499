"""nginx hands on fields with an underscore in their name.

A server that turns `X_Forwarded_For` and `X-Forwarded-For` into one CGI variable then lets a client write
past what nginx has cleaned: uWSGI joins both, Granian takes the last. nginx drops such names by default.

## Example: switched on

Flagged at `nginx.conf:2`.

```nginx nginx.conf
server {
    underscores_in_headers on;
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: the default

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
    }
}
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
from gunwale.project.readers.nginx import Nginx, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.WARNING)
_JOINING = ("uwsgi", "granian", "cheroot")


def check(project: Project) -> Iterator[Finding]:
    """Look at the files of nginx that lead to the application; what its server does makes it an error."""
    for front in {front.last.at.path: front for front in project.derive(fronts)}.values():
        file = project.one(Nginx, front.last.at.path) if front.last.proxy == "nginx" else None
        for each in walk(file.directives) if file else ():
            if each.name == "underscores_in_headers" and each.words == ("on",):
                server = front.start.server if front.start else None
                yield Finding(
                    at=each.at,
                    message="fields with an underscore are handed on: X_Forwarded_For is the client's",
                    hint="remove it: off is the default",
                    because=(Because(front.last.at, "the application is reached here"),),
                    severity=Severity.ERROR if server and server.name in _JOINING else None,
                )
