"""nginx hands on forwarded fields that it does not write, as the client sent them.

Nothing of the application may act on them today; the next line of ProxyFix, or a library that reads them,
does. The first proxy of a chain best deletes what it does not write.

## Example: X-Forwarded-Host and others

Flagged at `nginx.conf:3`.

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: every field is written or deleted

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host "";
        proxy_set_header X-Forwarded-Prefix "";
        proxy_set_header Forwarded "";
    }
}
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: a plan that tells of another layer in front

```nginx nginx.conf
server {
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
}
```

```toml gunwale.toml
[proxies]
chain = ["alb", "nginx"]
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
from gunwale.project.fronts import fronts
from gunwale.project.passage import FIELDS
from gunwale.project.readers.plan_file import PlanFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.NOTE)
_FIELDS = ("for", "proto", "host", "prefix", "forwarded")


def _is_inner(plan: PlanFile) -> bool:
    """Whether the plan declares layers in front of the last one."""
    chain = plan.get("proxies.chain")
    return chain is not None and isinstance(chain.value, list) and len(chain.value) > 1


def check(project: Project) -> Iterator[Finding]:
    """Look at the first passage of each way in, where it is nginx's."""
    if any(_is_inner(plan) for plan in project.of(PlanFile)):
        return  # what another layer in front writes is to be passed on
    seen = set()
    for front in project.derive(fronts):
        first = front.chain[0]
        passed = [FIELDS[name] for name in _FIELDS if first.operation(name) == "pass"]
        if first.proxy == "nginx" and passed and first.at not in seen:
            seen.add(first.at)
            yield Finding(
                at=first.at,
                message=f"{passed[0]}{' and others' if passed[1:] else ''}: handed on as the client sent it",
                hint=" ".join(f'proxy_set_header {name} "";' for name in passed),
            )
