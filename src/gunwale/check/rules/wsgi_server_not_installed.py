"""No production WSGI server is installed.

What serves then is Werkzeug's development server: its own page says not to use it for production. It is not
built to be efficient, stable or secure, and it loses every request in flight when it stops.

## Example: the requirements hold no server

Flagged at `requirements.txt:1`.

```text requirements.txt
flask==3.1.2
redis
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY requirements.txt app.py .
RUN pip install -r requirements.txt
CMD ["python", "app.py"]
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Example: nothing but app.run() starts it

Flagged at `pyproject.toml:3`.

```toml pyproject.toml
[project]
name = "shop"
dependencies = ["flask>=3.1"]
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Example: a platform that runs the project's own command brings none

Flagged at `requirements.txt:1`.

```text requirements.txt
flask==3.1.2
```

```yaml manifest.yml
applications:
  - name: shop
```

```text Procfile
web: python app.py
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Use instead: what the image installs is not in the project

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(host="0.0.0.0")
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY requirements.txt app.py ./
RUN pip install -r requirements.txt
CMD ["python", "app.py"]
```

## Use instead: a server among the requirements

```text requirements.txt
flask==3.1.2
gunicorn==27.0.1
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Use instead: the image installs one itself

```text requirements.txt
flask==3.1.2
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
RUN pip install -r requirements.txt && pip install waitress
CMD ["python", "app.py"]
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Use instead: the platform brings one

```text requirements.txt
flask==3.1.2
```

```yaml app.yaml
runtime: python313
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Use instead: what is installed is not known

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run()
```

## Use instead: an extension, which starts nothing

```toml pyproject.toml
[project]
name = "flask-shop"
dependencies = ["flask>=3.1"]
```

```python flask_shop.py
from flask import Flask


def demo():
    return Flask(__name__)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.installed import brings_server, installs_unseen, nearest
from gunwale.project.python.applications import applications, runs
from gunwale.project.roles import Role, role
from gunwale.project.start_path import starts, web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project

RULE = About(Topic.NO_WSGI, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Where every known start is the development server's, look for a real one in all that installs."""
    at = _development_start(project)
    if at is None or brings_server(project) or installs_unseen(project):
        return
    found = nearest(project, "flask", at.path)
    if found is None and not project.derive(web_starts):
        return
    yield Finding(
        at=found or at,
        message="no WSGI server is installed: only the development server can be started",
        hint="add gunicorn (or gunwale, which brings it) to the requirements, and start that",
        because=(Because(at, "the development server is started here"),) if found else (),
    )


def _development_start(project: Project) -> Place | None:
    """Return where the development server is started, if nothing else may be."""
    served = project.derive(web_starts)
    if any(start.server is not None and not start.server.is_development for start in served):
        return None
    if served:
        return served[0].steps[-1].at
    if not project.derive(applications) or any(start.launch.is_container for start in project.derive(starts)):
        return None
    return next(
        (call.at for call in project.derive(runs) if role(call.at.path) is not Role.DEVELOPMENT), None
    )
