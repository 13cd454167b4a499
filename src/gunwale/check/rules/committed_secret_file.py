"""A file with a secret is in the repository.

The file is there so that the secret is not in the code; committed, it is in every clone and in the history.

## Example: the file of a compose secret

Flagged at `db/password.txt:1`.

```yaml compose.yaml
services:
  web:
    build: .
    secrets: [db]
secrets:
  db:
    file: db/password.txt
```

```text db/password.txt
hunter2hunter2
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: the environment of the service

Flagged at `.env:2`.

```text .env
MODE=production
SECRET_KEY=8f42a73054b1749f
```

```yaml compose.yaml
services:
  web:
    build: .
    env_file: .env
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

## Example: a Secret of Kubernetes

Flagged at `deploy/secret.yaml:5`.

```yaml deploy/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop}
data:
  SECRET_KEY: OGY0MmE3MzA1NGIxNzQ5Zg==
```

## Example: the key of a cloud account

Flagged at `deploy/key.json:1`.

```json deploy/key.json
{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----MIIEvgIBADANBg"}
```

## Example: a private key

Flagged at `nginx/site.key:1`.

```text nginx/site.key
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBg
-----END PRIVATE KEY-----
```

## Use instead: a Secret that is made outside, and one that is sealed

```yaml deploy/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData:
  SECRET_KEY: ${SECRET_KEY}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: shop}
spec:
  encryptedData:
    SECRET_KEY: AgBy3i4OJSWK8PiTySYZZA9rO43cGDEq
```

## Use instead: left out by git

```text .gitignore
.env
/db/password.txt
```

```text .env
SECRET_KEY=8f42a73054b1749f
```

```yaml compose.yaml
services:
  web:
    build: .
    env_file: .env
    secrets: [db]
secrets:
  db:
    file: db/password.txt
```

```text db/password.txt
hunter2hunter2
```

## Use instead: a sample to fill in, and a certificate

```text .env.example
SECRET_KEY=8f42a73054b1749f
```

```text .env
SECRET_KEY=
DATABASE_URL=postgresql://localhost/shop
```

```text nginx/site.pem
-----BEGIN CERTIFICATE-----
MIIDazCCAlOg
-----END CERTIFICATE-----
```
"""

from __future__ import annotations

import base64
import posixpath
import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project import charts
from gunwale.project.cluster import objects
from gunwale.project.facts import Place
from gunwale.project.readers.compose import Compose
from gunwale.project.readers.environment_file import EnvironmentFile
from gunwale.project.roles import Role, of_production, role
from gunwale.project.secrets import credentials, is_ignored, is_sample, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)
_HINT = "keep it out with .gitignore, and change the secret: the history has it"
# What the keys of cloud accounts are saved as: JSON that holds a private key.
_ACCOUNT = re.compile(
    r"(?:[\w.-]*[_-])?(?:key|keyfile|credentials?|service[_-]?account|adminsdk|firebase|gcp|gcloud)"
    r"(?:[_-][\w.-]*)?\.json",
    re.IGNORECASE,
)
_KEYS = (".key", ".pem", "id_rsa", "id_ed25519", "id_ecdsa")


def check(project: Project) -> Iterator[Finding]:
    """Look at the files of compose secrets, environment files, private keys and Secrets of Kubernetes."""
    for finding in (*_of_compose(project), *_of_environment(project), *_keys(project), *_of_cluster(project)):
        path = finding.at.path
        if not is_ignored(project, path) and not is_sample(path):
            yield finding


def _of_compose(project: Project) -> Iterator[Finding]:
    files = {each.path: each for each in project.of(Compose)}
    for path in of_production(files):
        secrets = files[path].node.get("secrets")
        for name, node in secrets.items() if secrets is not None else ():
            file = node.get("file")
            if file is None or not file.text or "$" in file.text:
                continue
            there = posixpath.normpath(posixpath.join(posixpath.dirname(path), file.text))
            source = project.source(there, "secrets") if there in project.tree else None
            if source is not None and source.text.strip() and role(there) is not Role.DEVELOPMENT:
                yield Finding(
                    at=Place(there, 1),
                    message=f"the file of the secret {name} is in the repository",
                    hint=_HINT,
                    because=(Because(file.at, "the secret is read from it"),),
                )


def _of_environment(project: Project) -> Iterator[Finding]:
    for file in project.of(EnvironmentFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for name, given in file.values.items():
            is_url = (found := credentials(given.value)) is not None and not found.is_local
            if is_url or is_secret(name, given.value):
                yield Finding(
                    at=given.at, message=f"{name}, a secret, is in a file of the repository", hint=_HINT
                )
                break  # one a file: all of it is to go


def _of_cluster(project: Project) -> Iterator[Finding]:
    """Look at each Secret of Kubernetes: base64 is no cipher."""
    for each in project.derive(objects):
        if each.kind != "Secret" or charts.folder_of(project, each.path) is not None:
            continue  # a chart's values are its user's to give
        for key in ("data", "stringData"):
            table = each.node.get(key)
            for name, node in table.items() if table is not None else ():
                value = _decoded(node.text or "") if key == "data" else node.text or ""
                is_url = (found := credentials(value)) is not None and not found.is_local
                if is_url or is_secret(name.replace(".", "_").replace("-", "_"), value):
                    yield Finding(
                        at=table.key_at(name) if table is not None else each.at,
                        message=f"the Secret {each.name} is in the repository, {name} and all",
                        hint="make it outside (sealed, or from a store of secrets); change this one",
                    )
                    break  # one a Secret: all of it is to go


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def _keys(project: Project) -> Iterator[Finding]:
    for path in project.tree.files:
        is_key = path.endswith(_KEYS) or _ACCOUNT.fullmatch(posixpath.basename(path)) is not None
        if is_key and role(path) is not Role.DEVELOPMENT:
            source = project.source(path, "secrets")
            if source is not None and "PRIVATE KEY-----" in source.text[:4000]:
                yield Finding(at=Place(path, 1), message="a private key is in the repository", hint=_HINT)
