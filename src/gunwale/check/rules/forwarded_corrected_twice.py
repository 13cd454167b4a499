"""Two layers correct the same forwarded fields.

Each takes a value off the list, or has changed the address that the other counts from: behind both,
the application sees a value of another hop, or the client's own.

## Example: ProxyFix around ProxyFix

Flagged at `app.py:6`.

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
app.wsgi_app = ProxyFix(app.wsgi_app)
```

## Example: Waitress trusts the proxy too

Flagged at `app.py:6`.

```python app.py
import waitress
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)

if __name__ == "__main__":
    waitress.serve(app, trusted_proxy="10.0.0.1", trusted_proxy_headers="x-forwarded-for")
```

```text Procfile
web: python app.py
```

## Use instead: one

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
```

## Use instead: one for each application

```python app.py
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix


def create_shop():
    app = Flask("shop")
    app.wsgi_app = ProxyFix(app.wsgi_app)
    return app


def create_admin():
    app = Flask("admin")
    app.wsgi_app = ProxyFix(app.wsgi_app)
    return app
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.client_facts import COUNTED, proxy_fixes
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.python.client_facts import ProxyFix

RULE = About(Topic.PROXYFIX, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for a second ProxyFix in one place, and for a server that is told to trust a proxy itself."""
    first: dict[tuple[str, tuple[str, ...]], ProxyFix] = {}
    for fix in project.derive(proxy_fixes):
        if fix.is_conditional or not any(fix.hops(name) for name in COUNTED):
            continue
        before = first.setdefault((fix.file.path, fix.call.scope), fix)
        other = (before.at, "corrected here before") if before is not fix else _server(project)
        if other is not None:
            yield Finding(
                at=fix.at,
                message="the forwarded fields are corrected twice",
                hint="keep one: ProxyFix, or the server's own",
                because=(Because(*other),),
            )


def _server(project: Project) -> tuple[Place, str] | None:
    for file in project.of(PythonFile):
        for call in file.calls if role(file.path) is not Role.DEVELOPMENT else ():
            if call.name == "waitress.serve" and call.argument("trusted_proxy") is not None:
                return call.at, "Waitress trusts the proxy itself"
    return None
