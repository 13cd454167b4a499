"""The configuration that production selects has debug mode on.

DEBUG in the configuration counts under every server: an error shows no error page, it passes through Flask to
the server, templates are read again and again, and under Werkzeug's server there is the debugger.

## Example: on in the class that is loaded

Flagged at `config.py:2`.

```python config.py
class Config:
    DEBUG = True
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

## Example: the service selects the development configuration

Flagged at `config.py:6`.

```python config.py
class Config:
    DEBUG = False


class DevelopmentConfig(Config):
    DEBUG = True
```

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config.from_object("config." + os.environ["SETTINGS"])
```

```dockerfile Dockerfile
FROM python:3.13-slim
ENV SETTINGS=DevelopmentConfig
COPY . .
CMD ["gunicorn", "app:app"]
```

## Example: a text is true, whatever it says

Flagged at `app.py:6`.

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["DEBUG"] = os.environ.get("DEBUG", "False")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: off unless it is asked for

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config["DEBUG"] = os.environ.get("DEBUG", "0") == "1"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: on in a class that nothing here selects

```python config.py
class Config:
    DEBUG = False


class DevelopmentConfig(Config):
    DEBUG = True
```

```python app.py
import os

from flask import Flask

app = Flask(__name__)
app.config.from_object("config." + os.environ.get("SETTINGS", "Config"))
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Example: given to the factory

Flagged at `shop.py:6`.

```python shop.py
from flask import Flask


def create_app(debug=False):
    app = Flask(__name__)
    app.debug = debug
    return app
```

```python wsgi.py
from shop import create_app

app = create_app(debug=True)
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "wsgi:app"]
```

## Example: made of another setting, which is on by default

Flagged at `app.py:5`.

```python app.py
from flask import Flask

app = Flask(__name__)
app.config.from_object("defaults")
app.debug = app.config["SHOP_DEBUG"] in ("true", "True")
```

```python defaults.py
SHOP_DEBUG = "true"
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
ENV SHOP_DEBUG=false
CMD ["gunicorn", "app:app"]
```

## Use instead: Flask's own flag, which is off unless it is set

```python app.py
from flask import Flask
from flask.helpers import get_debug_flag

from settings import DevConfig, ProdConfig

app = Flask(__name__)
app.config.from_object(DevConfig if get_debug_flag() else ProdConfig)
```

```python settings.py
class ProdConfig:
    DEBUG = False


class DevConfig:
    DEBUG = True
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "app:app"]
```

## Use instead: flask run, which goes by FLASK_DEBUG alone

```python app.py
from flask import Flask

app = Flask(__name__)
app.config["DEBUG"] = True
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["flask", "run"]
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Given
from gunwale.project.python.by_defaults import by_defaults
from gunwale.project.python.chosen import chosen
from gunwale.project.python.configuration import is_set_by_all, named
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.python import PythonFile
    from gunwale.project.start import Start

RULE = About(Topic.DEBUG, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Join the selected configuration with a start that goes by it."""
    start = next(filter(_goes_by_it, project.derive(web_starts)), None)
    if start is None or start.server is None:
        return
    is_certain = project.derive(chosen).is_certain
    for setting in named(project, "DEBUG"):
        given = setting.value if isinstance(setting.value, Given) else by_defaults(project, setting)
        is_in_code = setting.owner == "app.config"
        if not isinstance(given, Given) or not given.value or is_set_by_all(project, given.variables):
            continue
        if not (is_in_code or is_certain) or (is_in_code and _is_conditional(setting.file, setting.node)):
            continue
        is_text = isinstance(given.value, str)
        yield Finding(
            at=setting.file.at(setting.node),
            message=f"DEBUG is the text {given.value!r}, and any text is true"
            if is_text
            else "DEBUG is on in the configuration that production selects",
            hint='write DEBUG = os.environ.get("DEBUG") == "1", or leave it out',
            because=(Because(start.server.at, f"{start.server.name} is started here"),),
            confidence=Confidence.LIKELY if given.variables and not is_text else None,
        )


def _goes_by_it(start: Start) -> bool:
    server = start.server
    if server is None or server.words[:1] == ("flask",):
        return False
    return not (server.is_development and "debug" in server.settings)


def _is_conditional(file: PythonFile, node: ast.expr) -> bool:
    """Whether it is set under a condition, which may well ask for development."""
    return any(
        isinstance(each, ast.If) and each.lineno <= node.lineno <= (each.end_lineno or 0)
        for each in file.nodes
    )
