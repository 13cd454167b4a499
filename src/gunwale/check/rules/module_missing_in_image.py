"""The application imports a module of the project that is not copied into its image.

The container ends at once with "ModuleNotFoundError", though the server finds the application itself.
On a developer's machine the module lies beside it.

## Example: one file copied, two needed

Flagged at `app.py:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY app.py requirements.txt ./
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

from settings import Settings

app = Flask(__name__)
app.config.from_object(Settings)
```

```python settings.py
class Settings:
    DEBUG = False
```

## Example: .dockerignore leaves a package out

Flagged at `shop/__init__.py:5`.

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY . .
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "shop:create_app()"]
```

```text .dockerignore
**/build
```

```python shop/__init__.py
from flask import Flask


def create_app():
    from shop.build import pages

    app = Flask(__name__)
    app.register_blueprint(pages)
    return app
```

```python shop/build/__init__.py
from flask import Blueprint

pages = Blueprint("pages", __name__)
```

## Use instead: both are copied

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY app.py settings.py requirements.txt ./
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

from settings import Settings

app = Flask(__name__)
app.config.from_object(Settings)
```

```python settings.py
class Settings:
    DEBUG = False
```

## Use instead: a module that may be missing

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY app.py ./
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

try:
    import local_settings
except ImportError:
    local_settings = None

app = Flask(__name__)
```

```python local_settings.py
DEBUG = True
```

## Use instead: a module that the build writes

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY app.py ./
RUN echo "VERSION = '1.0'" > version.py
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python app.py
from flask import Flask

from version import VERSION

app = Flask(__name__)
```

```python version.py
VERSION = "development"
```

## Use instead: a package of that name is installed

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
RUN pip install redis flask gunicorn
COPY web/ ./
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

```python web/app.py
from flask import Flask
import redis

app = Flask(__name__)
```

```python redis/start.py
print("a script, beside the application's own directory")
```
"""

from __future__ import annotations

import ast
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import layout
from gunwale.project.import_path import may_be_installed
from gunwale.project.python.modules import find
from gunwale.project.readers.python import PythonFile
from gunwale.project.services import mounts
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.start import Start

RULE = About(Topic.START, Severity.ERROR)
_MOST = 500  # modules that are followed from one application


class _Missing(NamedTuple):
    file: PythonFile
    node: ast.stmt
    module: str
    path: str


def check(project: Project) -> Iterator[Finding]:
    """Follow the imports of each start's application through the project, and look each up in the image."""
    seen = set()
    for start in project.derive(web_starts):
        image, service = start.launch.image, start.launch.service
        if image is None or (service is not None and mounts(service)) or may_be_installed(project, image):
            continue
        for each in _missing(project, image, start):
            at = each.file.at(each.node)
            if at not in seen:
                seen.add(at)
                yield Finding(
                    at=at,
                    message=f"{each.module} is not in the image: {each.path} is not copied",
                    hint="copy it too, or take it out of .dockerignore",
                    because=(Because(image.copies[-1].instruction.at, "what is copied ends here"),),
                )


def _missing(project: Project, image: Image, start: Start) -> Iterator[_Missing]:
    prefix = "" if image.context in ("", ".") else f"{image.context}/"
    there = {posixpath.join(prefix, each.path) for each in layout(project, image).values()}
    name, _, variable = (start.server.application if start.server else "").partition(":")
    first = find(project, name, start.launch.at.path) if name.replace(".", "").isidentifier() else None
    if first is None or first.path not in there:
        return
    root = first.path.removesuffix(".py").removesuffix("/__init__").removesuffix(name.replace(".", "/"))
    pending, seen = [(first, variable.partition("(")[0] if "(" in variable else "")], {first.path}
    while pending and len(seen) < _MOST:
        file, factory = pending.pop()
        for node in _certain(file, factory):
            for module in _modules(file, node, root):
                path = _file_of(project, root, module)
                if path is not None and path not in there and not _is_made(image, path):
                    yield _Missing(file, node, module, path)
                    break
                read = project.one(PythonFile, path) if path is not None and path not in seen else None
                if read is not None and path is not None:
                    seen.add(path)
                    pending.append((read, ""))


def _is_made(image: Image, path: str) -> bool:
    """Whether a step of the build names the file: it may write it there."""
    name = posixpath.basename(path)
    return any(name in f"{run.value} {run.heredoc}" for run in image.instructions("RUN"))


def _certain(file: PythonFile, factory: str) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that are run whatever happens: of the module's body, and of its *factory*'s."""
    bodies = [file.tree.body]
    if factory in file.functions:
        bodies.append(file.functions[factory].body)
    for body in bodies:
        yield from (node for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def _modules(file: PythonFile, node: ast.Import | ast.ImportFrom, root: str) -> list[str]:
    """Return the modules that *node* imports: of ``from a import b`` a, and a.b, should that be one."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    base = node.module or ""
    if node.level:
        parts = file.path.removeprefix(root).removesuffix(".py").split("/")
        base = ".".join([*parts[: len(parts) - node.level], *([base] if base else [])])
    return [base, *(f"{base}.{each.name}" for each in node.names)] if base else []


def _file_of(project: Project, root: str, module: str) -> str | None:
    """Return the project's file of *module* below *root*; None for a module of somebody else's."""
    for end in (".py", "/__init__.py"):
        path = f"{root}{module.replace('.', '/')}{end}"
        if path in project.tree:
            return path
    return None
