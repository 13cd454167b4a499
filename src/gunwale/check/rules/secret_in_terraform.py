"""A password or key is written in a Terraform file.

It is in the repository and in every copy of it, and the same for as long as nobody dares to change it.
Let the platform make it and keep it (`manage_master_user_password`, a secrets manager), or give it from
outside.

## Example: as a module's argument, and as a default

Flagged at `main.tf:3`.
Flagged at `main.tf:7`.

```hcl main.tf
module "rds" {
  source      = "./rds"
  db_password = "hunter2hunter2"
}

variable "api_token" {
  default = "8f42a73054b1749f"
}
```

## Example: what a secrets manager is to keep

Flagged at `main.tf:3`.

```hcl main.tf
resource "aws_secretsmanager_secret_version" "database" {
  secret_id     = aws_secretsmanager_secret.database.id
  secret_string = "hunter2hunter2"
}
```

## Use instead: no value

```hcl main.tf
variable "db_password" {
  type      = string
  sensitive = true
}

module "rds" {
  source      = "./rds"
  db_password = var.db_password
  password_length = 32
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.readers.terraform import Terraform
from gunwale.project.secrets import credentials, is_sample, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)
# What keeps a secret, and what it is called there.
_STORES = {
    "aws_secretsmanager_secret_version": "secret_string",
    "google_secret_manager_secret_version": "secret_data",
}
_HINT = "give it from outside, or have the platform make it; change this one"


def check(project: Project) -> Iterator[Finding]:
    """Look at every literal under a secret's name, and at the defaults of variables of such a name."""
    for file in project.of(Terraform):
        if is_sample(file.path):
            continue
        for block in file.blocks:
            if block.kind in ("output", "provider", "data"):
                continue
            default = block.node.get("default") if block.kind == "variable" else None
            given = [(block.labels[0], default)] if default is not None and block.labels else []
            for node in block.node.walk():
                given += [(name, value) for name, value in node.items() if name != "default"]
            stored = _STORES.get(block.labels[0]) if block.labels else None
            kept = block.node.get(stored) if stored else None
            if kept is not None and kept.text and "${" not in kept.text and is_secret("secret", kept.text):
                yield Finding(at=kept.at, message=f"{stored} is written in a Terraform file", hint=_HINT)
            for name, value in given:
                if value.text is not None and "${" not in value.text and _is_written(name, value.text):
                    yield Finding(at=value.at, message=f"{name} is written in a Terraform file", hint=_HINT)


def _is_written(name: str, text: str) -> bool:
    return is_secret(name, text) or credentials(text) is not None
