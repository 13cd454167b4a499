"""SERVER_NAME is set, and does not check the Host of a request any more.

Until Flask 3.0 it made other hosts fail to route; since 3.1 it only says what external links begin with
outside of a request. TRUSTED_HOSTS is what refuses a Host that a client makes up.

## Example: SERVER_NAME without TRUSTED_HOSTS

Flagged at `app.py:4`.

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["SERVER_NAME"] = "shop.example.com"
```

## Use instead: both

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["SERVER_NAME"] = "shop.example.com"
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]
```

## Use instead: a Flask where it still does

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["SERVER_NAME"] = "shop.example.com"
```

```text requirements.txt
flask==3.0.3
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.configuration import named
from gunwale.project.versions import may_be

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUSTED_HOSTS, Severity.NOTE)


def check(project: Project) -> Iterator[Finding]:
    """Look at SERVER_NAME where TRUSTED_HOSTS is not set; that it is missing is another rule's error."""
    if named(project, "TRUSTED_HOSTS") or not may_be(project, "flask", 3, 1):
        return
    for setting in named(project, "SERVER_NAME")[:1]:
        value = setting.value
        if isinstance(value, Given) and value.value:
            yield Finding(
                at=setting.at,
                message="SERVER_NAME does not refuse other hosts since Flask 3.1",
                hint='set TRUSTED_HOSTS as well: app.config["TRUSTED_HOSTS"] = [the names of the site]',
            )
