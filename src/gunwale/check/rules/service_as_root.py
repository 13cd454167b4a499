"""A service of the machine runs the application as root.

systemd starts a unit without `User=` as root. Whoever breaks out of the application owns the machine,
its keys and its backups. A port below 1024 is no reason: the proxy has it, or a socket unit.

## Example: no User

Flagged at `shop.service:2`.

```ini shop.service
[Service]
ExecStart=/srv/shop/venv/bin/gunicorn --workers 4 --access-logfile - app:app
WorkingDirectory=/srv/shop

[Install]
WantedBy=multi-user.target
```

## Example: supervisord is told so

Flagged at `supervisor/shop.conf:3`.

```ini supervisor/shop.conf
[program:shop]
command=/srv/shop/venv/bin/gunicorn --workers 4 app:app
user=root
```

## Use instead: a user of its own

```ini shop.service
[Service]
User=shop
ExecStart=/srv/shop/venv/bin/gunicorn --workers 4 --access-logfile - app:app

[Install]
WantedBy=multi-user.target
```

## Use instead: systemd makes one

```ini shop.service
[Service]
DynamicUser=yes
ExecStart=/srv/shop/venv/bin/gunicorn --workers 4 app:app
```

## Use instead: a unit of a user's own systemd

```ini shop.service
[Service]
ExecStart=%h/venv/bin/gunicorn --workers 4 app:app

[Install]
WantedBy=default.target
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.readers.systemd import Unit
from gunwale.project.start_path import web_starts
from gunwale.project.syntax.ini import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.ROOT, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at the user of each unit and program that ends in a server."""
    for start in project.derive(web_starts):
        server, platform = start.server, start.launch.platform
        if server is None or isinstance(server.settings.get("user"), Given):
            continue
        said = None
        if isinstance(platform, Unit):
            said = platform.service.last("User")
            dynamic = platform.service.last("DynamicUser")
            if platform.is_users or (dynamic is not None and dynamic.value in ("yes", "true", "1")):
                continue
        elif isinstance(platform, Section):
            said = platform.last("user")
        if isinstance(platform, Unit) and said is None:
            message = "no User is set: systemd starts the server as root"
            yield Finding(at=start.launch.at, message=message, hint="add User= with a user of its own")
        elif said is not None and said.value in ("root", "0"):
            yield Finding(at=said.at, message="the server runs as root", hint="name a user of its own")
