"""A ConfigMap holds a password or key.

Everybody who may read the namespace's configuration can read it, it is in the repository, and it is not
encrypted where the cluster keeps it. A Secret is for that, made outside the repository.

## Example: a key and a URL with a password

Flagged at `deploy/config.yaml:5`.
Flagged at `deploy/config.yaml:6`.

```yaml deploy/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  SECRET_KEY: 8f42a73054b1749f
  DATABASE_URL: postgresql://shop:hunter2@db/shop
  LOG_LEVEL: info
```

## Use instead: a Secret that is made elsewhere

```yaml deploy/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  LOG_LEVEL: info
  DATABASE_HOST: db
  SECRET_KEY_FILE: /run/secrets/key
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.readers.kubernetes import Manifest
from gunwale.project.roles import of_production
from gunwale.project.secrets import credentials, is_sample, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at the data of each ConfigMap of production."""
    files = {each.path: each for each in project.of(Manifest)}
    for path in of_production(files):
        for each in files[path].objects:
            data = each.node.get("data")
            if each.kind != "ConfigMap" or data is None or is_sample(path):
                continue
            for name, node in data.items():
                is_url = "\n" not in (node.text or "") and credentials(node.text) is not None
                if is_url or is_secret(name, node.text):
                    what = "a URL with a password" if is_url else "a secret"
                    yield Finding(
                        at=data.key_at(name),
                        message=f"the ConfigMap {each.name} holds {what}, {name}",
                        hint="put it into a Secret that is made outside the repository; change this one",
                    )
