"""SECRET_KEY has a value in the source, so everybody knows it where nothing else is set.

The key signs sessions: who knows it is anybody. A default "for development" is what production runs with as
soon as one environment forgets the variable, and nothing says so.

## Example: a fallback

Flagged at `config.py:5`.

```python config.py
import os


class Config:
    SECRET_KEY = os.environ.get("SECRET_KEY") or "you-will-never-guess"
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```

## Example: on the instance that a configuration is made as

Flagged at `config.py:6`.

```python config.py
import os


class ProductionConfig:
    def __init__(self):
        self.SECRET_KEY = os.environ.get("SECRET_KEY", "you-will-never-guess")
```

```python app.py
from flask import Flask

from config import ProductionConfig

app = Flask(__name__)
app.config.from_object(ProductionConfig())
```

## Example: set on the application

Flagged at `app.py:4`.

```python app.py
from flask import Flask

app = Flask(__name__)
app.secret_key = "dev"
```

## Example: given to the factory in a dict

Flagged at `app.py:3`.

```python app.py
from shop import create_app

app = create_app({"SECRET_KEY": "a key that everybody knows"})
```

```python shop.py
from flask import Flask


def create_app(config):
    app = Flask(__name__)
    app.config.update(config)
    return app
```

## Use instead: required

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
```

## Use instead: a key of a development configuration

```python config.py
import os


class Config:
    SECRET_KEY = os.environ["SECRET_KEY"]


class DevelopmentConfig(Config):
    SECRET_KEY = "dev"
```

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("config.Config")
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.configuration import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.SECRETS, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at every value SECRET_KEY may have in production."""
    for setting in named(project, "SECRET_KEY"):
        value = setting.value
        if isinstance(value, Given) and isinstance(value.value, str | bytes) and value.value:
            asked = ", ".join(value.variables)
            message = f"SECRET_KEY has a default in the source, used where {asked} is not set"
            yield Finding(
                at=setting.at,
                message=message if asked else "SECRET_KEY is written in the source",
                hint='read os.environ["SECRET_KEY"], so that a missing key stops the start; change this',
            )
