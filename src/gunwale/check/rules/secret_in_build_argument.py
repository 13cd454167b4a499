"""ARG takes a password or key, and the image's history keeps it.

`docker history` shows the value to everybody who can pull the image. BuildKit has secrets for what a build
needs: they are mounted for one RUN and kept nowhere.

## Example: an argument

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
ARG PIP_TOKEN
RUN git clone https://x:$PIP_TOKEN@git.example/shop && pip install ./shop
CMD ["gunicorn", "app:app"]
```

## Use instead: a secret of the build

```dockerfile Dockerfile
FROM python:3.13-slim
RUN --mount=type=secret,id=pip_token,env=PIP_TOKEN pip install shop
CMD ["gunicorn", "app:app"]
```

## Use instead: in a stage that nobody gets

```dockerfile Dockerfile
FROM python:3.13-slim AS build
ARG PIP_TOKEN
RUN pip wheel --wheel-dir /wheels shop
FROM python:3.13-slim
COPY --from=build /wheels /wheels
CMD ["gunicorn", "app:app"]
```

## Use instead: a stand-in

```dockerfile Dockerfile
FROM python:3.13-slim
ARG SECRET_KEY=dummy
RUN flask assets build
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.secrets import is_secret
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)
_STAND_IN = re.compile(r"dummy|unused|not[-_]used|build|placeholder|none|fake|temp(?:orary)?", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    """Look at every ARG of the stages that become each image."""
    for image, _ in project.derive(images):
        for instruction in image.instructions("ARG"):
            name, equals, default = instruction.value.partition("=")
            is_stand_in = equals and _STAND_IN.search(default)
            if is_secret(name.strip(), default.strip("\"'") or "given") and not is_stand_in:
                yield Finding(
                    at=instruction.at,
                    message=f"the build argument {name} stays in the image's history",
                    hint=f"RUN --mount=type=secret,id={name.lower()}, and docker build --secret",
                )
