"""Requests compute, and one process serves them all.

A Python process computes on one CPU. Where a request is a prediction, a second visitor waits until the first
is done, and the other CPUs of the machine are idle.

## Example: a model in a server of one process

Flagged at `app.py:15`.

```python app.py
from flask import Flask, request
from gevent.pywsgi import WSGIServer
from tensorflow.keras.models import load_model

app = Flask(__name__)
model = load_model("model.h5")


@app.post("/predict")
def predict():
    return {"result": model.predict(request.json).tolist()}


if __name__ == "__main__":
    WSGIServer(("", 8000), app).serve_forever()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["python", "app.py"]
```

## Use instead: a process a CPU

```python app.py
from flask import Flask, request
from tensorflow.keras.models import load_model

app = Flask(__name__)
model = load_model("model.h5")


@app.post("/predict")
def predict():
    return {"result": model.predict(request.json).tolist()}
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "--workers", "4", "app:app"]
```

## Use instead: requests that wait, not compute

```python app.py
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
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.greenlets import hub
from gunwale.project.processes import tasks
from gunwale.project.python.computing import computing
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.WORKERS_1, Severity.WARNING, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Join what computes with starts whose own code runs a server of one process, once."""
    work = project.derive(computing)
    for start in project.derive(web_starts):
        found = hub(start)
        if work is not None and found is not None and not found.is_worker_class and tasks(start) == 1:
            yield Finding(
                at=found.at,
                message=f"one process serves everybody, and {work.what} computes in it",
                hint="serve with processes: gunicorn --workers 4",
                because=(Because(work.at, "computes here"),),
            )
