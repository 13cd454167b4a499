"""A password or key is written in the compose file.

It is in the repository and in every copy of it, the same on every machine, and shown by `docker inspect`.

## Example: of the application and of its database

Flagged at `compose.yaml:5`.
Flagged at `compose.yaml:9`.

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      SECRET_KEY: 8f42a73054b1749f
  db:
    image: postgres:17
    environment:
      - POSTGRES_PASSWORD=shop
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: inside a URL

Flagged at `compose.yaml:5`.

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      DATABASE_URL: mysql://shop:hunter2@db/shop
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: from outside, or as a secret

```yaml compose.yaml
services:
  web:
    build: .
    environment:
      SECRET_KEY: ${SECRET_KEY:?}
      DATABASE_URL: mysql://shop:${DB_PASSWORD}@db/shop
      MAIL_PASSWORD:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD_FILE: /run/secrets/db
      MYSQL_ALLOW_EMPTY_PASSWORD: "yes"
    secrets: [db]
secrets:
  db:
    environment: DB_PASSWORD
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Use instead: of a developer's machine

```yaml docker-compose.dev.yml
services:
  db:
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: shop
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.expand import expand
from gunwale.project.readers.compose import Compose
from gunwale.project.roles import of_production
from gunwale.project.secrets import credentials, is_sample, is_secret
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at what every service of production is given."""
    files = {each.path: each for each in project.of(Compose)}
    deployed = {each.launch.at.path for each in project.derive(web_starts)}
    for path in of_production(files):
        services = () if is_sample(path) else files[path].services
        # A file that starts no application is what developers start beside it.
        is_deployed = path in deployed or not deployed
        for service in services:
            for name, node in service.environ.items():
                expanded = expand(node.text or "", {})
                is_url = credentials(expanded.text) is not None
                if not is_url and (expanded.missing or not is_secret(name, expanded.text)):
                    continue
                what = f"{name} holds a URL with a password" if is_url else f"{name} is written"
                asked = ", ".join(expanded.variables)
                message = f"service {service.name}: {what} in the compose file"
                yield Finding(
                    at=node.at,
                    message=f"{message}, used where {asked} is not set" if asked else message,
                    hint=f"write {name}: ${{{name}:?}}, or give it as a secret; change this one",
                    confidence=(Confidence.LIKELY if asked else None) if is_deployed else Confidence.DEFAULT,
                )
