"""TRUSTED_HOSTS is not set, so the application believes any Host.

Since Flask 3.1 requests with a Host outside TRUSTED_HOSTS are refused; without it, links in mails and
redirects are built from whatever Host a client sends, and SERVER_NAME does not stop that any more.

## Example: Flask 3.1 and no TRUSTED_HOSTS

Flagged at `app.py:3`.

```python app.py
from flask import Flask

app = Flask(__name__)
```

```text requirements.txt
flask>=3.1
```

## Use instead: the names the site is reached by

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: a Flask that has no such setting

```python app.py
from flask import Flask

app = Flask(__name__)
```

```text requirements.txt
flask==3.0.3
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.applications import applications
from gunwale.project.python.configuration import is_prefixed_env, named
from gunwale.project.versions import may_be

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUSTED_HOSTS, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at the project as a whole: where one application sets it, the others may share the setting."""
    if named(project, "TRUSTED_HOSTS") or not may_be(project, "flask", 3, 1):
        return
    # FLASK_TRUSTED_HOSTS may be set where it runs, unseen.
    confidence = Confidence.DEFAULT if is_prefixed_env(project) else None
    for application in project.derive(applications)[:1]:
        yield Finding(
            at=application.at,
            message="TRUSTED_HOSTS is not set: any Host is believed",
            hint='set app.config["TRUSTED_HOSTS"] to the names it is reached by, health checks too',
            confidence=confidence,
        )
