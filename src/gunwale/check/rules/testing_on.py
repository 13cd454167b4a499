"""The configuration that production selects has TESTING on.

Errors then pass through Flask's handlers instead of becoming error pages, and extensions switch off what
tests have no use for: mail is not sent, CSRF and login may not be checked.

## Example: the service selects a class with it

Flagged at `config.py:6`.

```python config.py
class Config:
    TESTING = False


class Staging(Config):
    TESTING = True
```

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config.from_object("config." + os.environ["SETTINGS"])
```

```dockerfile Dockerfile
FROM python:3.13-slim
ENV SETTINGS=Staging
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: in the configuration of the tests

```python config.py
class Config:
    TESTING = False


class TestConfig(Config):
    TESTING = True
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: set by a test

```python app.py
from flask import Flask


def create_app(testing=False):
    app = Flask(__name__)
    if testing:
        app.config["TESTING"] = True
    return app
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:create_app()"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.chosen import chosen
from gunwale.project.python.configuration import named
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SERVER, Severity.WARNING)


def check(project: Project) -> Iterator[Finding]:
    """Look at the selected classes and modules only, where the selection is certain."""
    served = project.derive(web_starts)
    if not served or not project.derive(chosen).is_certain:
        return
    for setting in named(project, "TESTING"):
        given = setting.value
        if isinstance(given, Given) and given.value is True and setting.owner != "app.config":
            first = served[0]
            yield Finding(
                at=setting.file.at(setting.node),
                message=f"TESTING is on in {setting.owner}, which production selects",
                hint="select a configuration for production; TESTING belongs into that of the tests",
                because=(Because(first.launch.at, "started here"),),
            )
