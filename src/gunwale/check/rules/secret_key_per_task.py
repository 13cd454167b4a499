"""SECRET_KEY is made when the container starts.

Every task has a key of its own, so behind a load balancer a session works on one of them only, and every
release, restart or scaling signs everybody out.

## Example: in the start script

Flagged at `start.sh:2`.

```sh start.sh
#!/bin/sh
export SECRET_KEY=$(openssl rand -hex 32)
exec gunicorn app:app
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh .
CMD ["./start.sh"]
```

## Example: on the docker run line that people copy

Flagged at `README.md:4`.

```text README.md
# Shop

    docker build -t shop .
    docker run -p 8000:8000 -e SECRET_KEY="$(python -c 'import secrets; print(secrets.token_hex())')" shop
```

```python app.py
from flask import Flask

app = Flask(__name__)
```

## Use instead: made once, and kept

```sh start.sh
#!/bin/sh
export SECRET_KEY=$(cat /run/secrets/key)
exec gunicorn app:app
```

```sh setup.sh
#!/bin/sh
echo "SECRET_KEY=$(openssl rand -hex 32)" >> .env
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py start.sh .
CMD ["./start.sh"]
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Place
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.CAPACITY, Severity.ERROR)
_MADE = r"[\"']?(?:\$\(|`)[^)`]*(?:rand|token_|uuid|secrets\.|/dev/u?random)"
_KEY = r"\b(?:FLASK_)?SECRET_KEY="
_SET = re.compile(rf"^\s*(?:export\s+|exec\s+env\s+|env\s+)?{_KEY}{_MADE}")
_RUN = re.compile(rf"\b(?:docker|podman)\s+run\b.*{_KEY}{_MADE}")


def check(project: Project) -> Iterator[Finding]:
    """Look at the scripts on each start path, and at the `docker run` lines that people are told."""
    scripts = {step.at.path for start in project.derive(web_starts) for step in start.steps}
    for path in project.tree.files:
        name = path.rpartition("/")[2]
        is_told = path.endswith(".sh") or name.startswith("README.") or name == "Makefile"
        if not (path in scripts or is_told) or role(path) is Role.DEVELOPMENT or path.endswith(".py"):
            continue
        source = project.source(path, "secrets")
        for number, line in enumerate(source.lines() if source is not None else (), 1):
            is_run = _RUN.search(line) is not None
            if is_run or (path in scripts and _SET.search(line)):
                yield Finding(
                    at=Place(path, number),
                    message="SECRET_KEY is made when the container starts: every task has another",
                    hint="make it once, keep it where secrets are kept, and give the same to every task",
                    confidence=Confidence.LIKELY if is_run else None,
                )
