"""gevent serves, and the standard library is not patched for it.

Requests are greenlets of one thread, and only what is patched lets another run while it waits: unpatched, one
query, one call of another service, one sleep stops every visitor.

## Example: gevent's server, and no monkey.patch_all()

Flagged at `app.py:8`.

```python app.py
import requests
from flask import Flask
from gevent.pywsgi import WSGIServer

app = Flask(__name__)

if __name__ == "__main__":
    WSGIServer(("", 8000), app).serve_forever()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["python", "app.py"]
```

## Use instead: patched before anything else is imported

```python app.py
from gevent import monkey

monkey.patch_all()

import requests
from flask import Flask
from gevent.pywsgi import WSGIServer

app = Flask(__name__)

if __name__ == "__main__":
    WSGIServer(("", 8000), app).serve_forever()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["python", "app.py"]
```

## Use instead: Gunicorn's worker, which patches by itself

```python app.py
from flask import Flask

app = Flask(__name__)
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "-k", "gevent", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.greenlets import hub, is_patched
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.GEVENT, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at starts whose own code runs the hub, for a patch anywhere in the project."""
    for start in project.derive(web_starts):
        found = hub(start)
        if found is not None and not found.is_worker_class and not is_patched(project, start):
            patch = "gevent.monkey.patch_all()" if found.name == "gevent" else "eventlet.monkey_patch()"
            yield Finding(
                at=found.at,
                message=f"{found.name} serves, and nothing is patched: whatever waits stops everybody",
                hint=f"call {patch} in the first lines, or serve with gunicorn -k gthread",
            )
