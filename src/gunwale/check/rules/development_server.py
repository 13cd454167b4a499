"""The start path ends in Werkzeug's development server.

`flask run` and `app.run()` serve with Werkzeug's server: no limit on connections, no timeout, no graceful
stop, one process, and a debugger one setting away. Its own documentation says not to deploy it.

## Example: flask run

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["flask", "run", "--host", "0.0.0.0"]
```

## Example: app.run() two steps from CMD

Flagged at `Dockerfile:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.sh app.py ./
ENTRYPOINT ["./start.sh"]
```

```sh start.sh
#!/bin/sh
exec python app.py
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(host="0.0.0.0")
```

## Use instead: a WSGI server

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

```python app.py
from flask import Flask

app = Flask(__name__)

if __name__ == "__main__":
    app.run(debug=True)
```

## Use instead: a server of its own behind python

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["python", "app.py"]
```

```python app.py
from flask import Flask
from waitress import serve

app = Flask(__name__)

if __name__ == "__main__":
    serve(app, listen="*:8000")
```

## Use instead: for development only

```dockerfile Dockerfile
FROM python:3.13-slim
COPY app.py .
CMD ["gunicorn", "app:app"]
```

```yaml docker-compose.dev.yml
services:
  web:
    build: .
    command: flask run
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.DEV_SERVER, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at where each start ends."""
    for start in project.derive(web_starts):
        server = start.server
        if server is not None and server.is_development:
            first = start.steps[0].at
            last = start.steps[-1]
            because = (
                () if last.at == first else (Because(last.at, f"{last.text} is the development server"),)
            )
            yield Finding(
                at=first,
                message="the development server is started in production",
                hint="start a WSGI server: gunwale serve, or gunicorn --workers 4 module:app",
                because=because,
            )
