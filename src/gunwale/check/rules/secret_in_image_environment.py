"""ENV writes a password or key into the image.

Whoever can pull the image reads it with `docker inspect`; every container has it, whatever the platform sets;
and a new value needs a new image.

## Example: a key

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
ENV FLASK_APP=app SECRET_KEY=8f42a73054b1749f
CMD ["gunicorn", "app:app"]
```

## Example: a URL with a password

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
ENV DATABASE_URL postgresql://shop:hunter2@db/shop
CMD ["gunicorn", "app:app"]
```

## Use instead: from outside

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
ENV FLASK_APP=app SECRET_KEY_FILE=/run/secrets/key
CMD ["gunicorn", "app:app"]
```

## Use instead: a key for one RUN, which is gone after it

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
RUN SECRET_KEY=dummy flask assets build
CMD ["gunicorn", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.image import pairs
from gunwale.project.secrets import credentials, is_secret
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at every ENV of each image a server is started from."""
    for image, _ in project.derive(images):
        for instruction in image.instructions("ENV"):
            for name, given in pairs(instruction).items():
                is_url = credentials(given.value) is not None
                if is_url or is_secret(name, given.value):
                    what = "a URL with a password" if is_url else "a secret"
                    yield Finding(
                        at=given.at,
                        message=f"ENV {name} writes {what} into the image",
                        hint="take it out, change it, and give it when the container starts",
                    )
