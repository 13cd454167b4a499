"""Gunicorn trusts forwarded fields from anybody, with its default fields.

With `forwarded_allow_ips = "*"` Gunicorn believes X-Forwarded-Ssl and X-Forwarded-Protocol besides -Proto,
and takes SCRIPT_NAME and PATH_INFO from request fields.
A client whose proxy passes them on chooses the scheme, or gets past what the proxy denies by its path.

## Example: any peer, default fields

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--forwarded-allow-ips", "*", "app:app"]
```

## Example: by the environment

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
ENV FORWARDED_ALLOW_IPS=*
CMD ["gunicorn", "app:app"]
```

## Use instead: the networks that the proxy connects from

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--forwarded-allow-ips", "10.0.0.0/8", "app:app"]
```

## Use instead: any peer, and nothing but the one field that is written

```dockerfile Dockerfile
FROM python:3.13-slim
COPY gunicorn.conf.py app.py ./
CMD ["gunicorn", "app:app"]
```

```python gunicorn.conf.py
forwarded_allow_ips = "*"
forwarder_headers = ""
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.TRUST, Severity.WARNING, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Look at each Gunicorn that trusts every peer, unless the fields it trusts are narrowed."""
    seen = set()
    for start in project.derive(web_starts):
        server, at = start.server, _any_at(start)
        if server is None or server.name != "gunicorn" or at is None or at in seen:
            continue
        if not {"forwarder_headers", "secure_scheme_headers"} <= server.settings.keys():
            seen.add(at)
            yield Finding(
                at=at,
                message="Gunicorn believes X-Forwarded-Ssl and SCRIPT_NAME of anybody",
                hint='the proxy\'s networks; or forwarder_headers = "" and secure_scheme_headers narrowed',
            )


def _any_at(start: Start) -> Place | None:
    server = start.server
    given = server.settings.get("forwarded_allow_ips") if server else None
    if server is not None and isinstance(given, Given):
        return server.setting_at("forwarded_allow_ips") if given.value == "*" else None
    variable = start.environ.get("FORWARDED_ALLOW_IPS")
    is_any = given is None and variable is not None and variable.value == "*"
    return variable.at if is_any and variable else None
