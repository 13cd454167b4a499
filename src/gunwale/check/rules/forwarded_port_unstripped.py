"""The proxy writes an address with its port, and ProxyFix leaves the port in it.

`request.remote_addr` is then "203.0.113.9:51234": no address to a limit, an allow-list or a database,
and another one for every connection.

## Example: nginx adds the port

Flagged at `nginx.conf:4`.

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr:$remote_port;
    }
}
```

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
```

## Use instead: the address alone

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Real-Port $remote_port;
    }
}
```

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.client_facts import proxy_fixes
from gunwale.project.readers.nginx import Nginx, walk
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at what nginx writes where ProxyFix reads it."""
    reading = [fix for fix in project.derive(proxy_fixes) if fix.hops("for")]
    files = {each.path: each for each in project.of(Nginx)} if reading else {}
    for path in of_production(files):
        for each in walk(files[path].directives):
            is_list = each.name == "proxy_set_header" and each.words[:1] == ("X-Forwarded-For",)
            if is_list and "$remote_port" in "".join(each.words[1:]):
                yield Finding(
                    at=each.at,
                    message="X-Forwarded-For holds address and port, and ProxyFix keeps the port",
                    hint="proxy_set_header X-Forwarded-For $remote_addr;",
                    because=(Because(reading[0].at, "read here"),),
                )
