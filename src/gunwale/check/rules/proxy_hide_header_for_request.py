"""nginx is told to hide a field of the answer where one of the request was meant.

`proxy_hide_header` takes a field out of what the application answers. The client's own X-Forwarded-Host goes
on to the application as before; `proxy_set_header X-Forwarded-Host "";` is what deletes it.

## Example: a forwarded field hidden

Flagged at `nginx.conf:4`.

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_hide_header X-Forwarded-Host;
    }
}
```

## Use instead: deleted from the request

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-Host "";
        proxy_hide_header X-Powered-By;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.fix import on_line
from gunwale.check.rule import About
from gunwale.project.passage import BY_FIELD
from gunwale.project.readers.nginx import Nginx, walk
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look for fields that only requests have."""
    files = {each.path: each for each in project.of(Nginx)}
    for path in of_production(files):
        for each in walk(files[path].directives):
            name = each.words[0] if each.words else ""
            if (
                each.name == "proxy_hide_header"
                and name.lower() in BY_FIELD
                and name.lower() != "x-request-id"
            ):
                yield Finding(
                    at=each.at,
                    message=f"{name} of the answer is hidden; the client's own still goes on",
                    hint=f'proxy_set_header {name} "";',
                    fix=on_line(
                        project, each.at, f"proxy_hide_header {name};", f'proxy_set_header {name} "";'
                    ),
                )
