"""TRUSTED_HOSTS refuses the health check, which asks by an address that is not in it.

Since Flask 3.1 a request whose Host is not among TRUSTED_HOSTS is answered 400.
A check of 127.0.0.1 or localhost sends just that as its Host, so the container never turns healthy.

## Example: the check asks localhost

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Example: Kubernetes asks by the pod's address

Flagged at `deployment.yaml:15`.

```yaml deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: shop
          readinessProbe:
            httpGet:
              path: /ready
              port: 8000
```

```dockerfile shop/Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```python shop/app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: the Host of the site

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f -H "Host: shop.example.com" http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: the name that the check asks by is trusted as well

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com", "localhost"]
```

## Use instead: a Flask that does not know the setting

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
HEALTHCHECK CMD curl -f http://localhost:8000/health
CMD ["gunicorn", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

```text requirements.txt
flask==3.0.3
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.health import checks
from gunwale.project.python.client_facts import corrections
from gunwale.project.python.configuration import named
from gunwale.project.start_path import web_starts
from gunwale.project.versions import may_be

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.health import Check
    from gunwale.project.model import Project

RULE = About(Topic.TRUSTED_HOSTS, Severity.ERROR)
_FIELD = re.compile(r"\bhost[\"']?\s*:", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    """Compare the host of each check's address with the list, where all of the list is known."""
    trusted = _trusted(project)
    if trusted is None or not may_be(project, "flask", 3, 1):
        return
    at, hosts = trusted
    seen = set()
    for start in project.derive(web_starts):
        server = start.server
        if server is None or server.name == "gunwale" or project.derive(corrections):
            continue
        for each in checks(start):
            request = each.request
            if request is None or "$" in request.host or each.at in seen:
                continue
            if _sends_host(each) or _is_in(request.host, hosts):
                continue
            host = request.host or "the pod's address"
            added = f", or add {host!r} to TRUSTED_HOSTS" if request.host else ": httpHeaders"
            seen.add(each.at)
            yield Finding(
                at=each.at,
                message=f"the check asks {host}, which TRUSTED_HOSTS does not hold: it is answered 400",
                hint=f"send a trusted Host with the check{added}",
                because=(Because(at, "only these hosts are answered"),),
            )


def _sends_host(check: Check) -> bool:
    """Whether the check says itself what Host it sends."""
    fields = check.node.get("httpGet", "httpHeaders") if check.node else None
    names = [name.text or "" for each in (fields.elements if fields else ()) if (name := each.get("name"))]
    return _FIELD.search(check.command) is not None or "host" in [name.lower() for name in names]


def _trusted(project: Project) -> tuple[Place, list[str]] | None:
    """Return every host that any setting of TRUSTED_HOSTS gives; None where one is not known."""
    found = named(project, "TRUSTED_HOSTS")
    hosts: list[str] = []
    for each in found:
        value = each.value
        if not isinstance(value, Given) or not isinstance(value.value, list | tuple) or value.variables:
            return None
        hosts += [str(host) for host in value.value]
    return (found[0].at, hosts) if hosts else None


def _is_in(host: str, hosts: list[str]) -> bool:
    names = [each.rpartition(":")[0] or each for each in hosts]
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in names)
