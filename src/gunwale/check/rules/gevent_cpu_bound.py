"""Requests compute, and they share one thread.

A greenlet lets others run while it waits, not while it works: during one prediction the process answers
nobody, health checks included, and a second CPU does not help.

## Example: a model behind gevent

Flagged at `app.py:11`.

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

## Use instead: processes

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

## Use instead: the model is asked over the network

```python app.py
import requests
from flask import Flask, request

app = Flask(__name__)


@app.post("/predict")
def predict():
    return requests.post("http://model/predict", json=request.json, timeout=5).json()
```

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . .
CMD ["gunicorn", "-k", "gevent", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.greenlets import hub
from gunwale.project.python.computing import computing
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.GEVENT, Severity.ERROR, Confidence.LIKELY)


def check(project: Project) -> Iterator[Finding]:
    """Join what computes with the first start whose requests are greenlets."""
    found = next(filter(None, map(hub, project.derive(web_starts))), None)
    work = project.derive(computing)
    if found is not None and work is not None:
        yield Finding(
            at=work.at,
            message=f"{work.what} computes on the one thread of {found.name}: nobody else is answered",
            hint="serve with processes: gunicorn --workers 4, with --preload where the model is large",
            because=(Because(found.at, f"{found.name} serves here"),),
        )
