"""The code uses what the Flask or Werkzeug that may be installed no longer has.

Where the version is not held back, the next build installs the newest, and the application does not import:
the release that changed nothing is the one that fails.

## Example: a decorator that is gone, and nothing pinned

Flagged at `app.py:6`.

```python app.py
from flask import Flask

app = Flask(__name__)


@app.before_first_request
def prepare():
    pass
```

```text requirements.txt
flask
```

## Example: an import that is gone

Flagged at `app.py:1`.
Flagged at `app.py:2`.

```python app.py
from flask import Flask, escape
from werkzeug.urls import url_quote

app = Flask(__name__)
```

```text requirements.txt
flask>=3.0
```

## Use instead: held back

```python app.py
from flask import Flask, escape

app = Flask(__name__)


@app.before_first_request
def prepare():
    pass
```

```text requirements.txt
flask==2.2.5
werkzeug<3
```

## Use instead: held back by pipenv's lock

```python app.py
from flask import Flask, escape
```

```toml Pipfile
[packages]
flask = "*"
```

```json Pipfile.lock
{"default": {"flask": {"version": "==1.1.4"}}}
```

## Use instead: what is installed is not known

```python app.py
from flask import Flask, escape

app = Flask(__name__)
```

## Use instead: both, by what is there

```python app.py
try:
    from flask import escape
except ImportError:
    from markupsafe import escape

from flask import Flask

app = Flask(__name__)
```

```text requirements.txt
flask>=3.0
```

## Use instead: what took its place

```python app.py
from flask import Flask
from markupsafe import escape

app = Flask(__name__)

with app.app_context():
    escape("")
```

```text requirements.txt
flask>=3.0
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.applications import applications
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role
from gunwale.project.versions import may_be, requirements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.ERROR)


class Gone(NamedTuple):
    """What is gone: since which *version* of *package*, and what to write *instead*."""

    package: str
    version: tuple[int, int]
    instead: str


_URLS = Gone("werkzeug", (3, 0), "use urllib.parse")
# Flask's and Werkzeug's changelogs: "Remove previously deprecated code".
_NAMES = {
    "flask.Markup": Gone("flask", (3, 0), "import it from markupsafe"),
    "flask.escape": Gone("flask", (3, 0), "import it from markupsafe"),
    "flask.safe_join": Gone("flask", (2, 1), "import it from werkzeug.utils"),
    "flask.helpers.safe_join": Gone("flask", (2, 1), "import it from werkzeug.utils"),
    "flask.json.JSONEncoder": Gone("flask", (2, 3), "subclass flask.json.provider.DefaultJSONProvider"),
    "flask.json.JSONDecoder": Gone("flask", (2, 3), "subclass flask.json.provider.DefaultJSONProvider"),
    "flask._app_ctx_stack": Gone("flask", (2, 3), "use flask.g"),
    "flask._request_ctx_stack": Gone("flask", (2, 3), "use flask.g"),
    "flask._compat": Gone("flask", (2, 0), "write it for Python 3"),
    "werkzeug.secure_filename": Gone("werkzeug", (1, 0), "import it from werkzeug.utils"),
    "werkzeug.security.safe_str_cmp": Gone("werkzeug", (2, 1), "use hmac.compare_digest"),
    "werkzeug.wrappers.BaseResponse": Gone("werkzeug", (2, 1), "use werkzeug.wrappers.Response"),
    "werkzeug.wrappers.BaseRequest": Gone("werkzeug", (2, 1), "use werkzeug.wrappers.Request"),
    "werkzeug.contrib.fixers.ProxyFix": Gone(
        "werkzeug", (1, 0), "import it from werkzeug.middleware.proxy_fix"
    ),
    "werkzeug.contrib.cache.SimpleCache": Gone("werkzeug", (1, 0), "use cachelib"),
} | {
    f"werkzeug.urls.{name}": _URLS
    for name in (
        *("url_quote", "url_quote_plus", "url_unquote", "url_unquote_plus", "url_parse", "url_encode"),
        *("url_decode", "url_join", "url_unparse", "url_fix", "Href"),
    )
}
_ATTRIBUTES = {
    "before_first_request": Gone("flask", (2, 3), "run it where the application is made"),
    "json_encoder": Gone("flask", (2, 3), "set app.json, a JSONProvider"),
    "json_decoder": Gone("flask", (2, 3), "set app.json, a JSONProvider"),
}
# Every use says one of them.
_WORDS = frozenset({name.rpartition(".")[2] for name in _NAMES} | set(_ATTRIBUTES))


def check(project: Project) -> Iterator[Finding]:
    """Join imports and attributes with the versions that the project allows."""
    if not requirements(project, "flask"):
        return  # what is installed is not known
    owners = {each.name for each in project.derive(applications)} | {"app"}
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT or "flask" not in file.source.text.lower():
            continue
        if not any(word in file.source.text for word in _WORDS):
            continue
        used = [(node, name, gone) for node in file.nodes for name, gone in _used(node, owners)]
        guarded = _guarded(file) if used else set()
        for node, name, gone in used:
            if id(node) in guarded:
                continue
            if not may_be(project, gone.package, *gone.version) or not _is_allowed(project, gone):
                continue
            said = requirements(project, gone.package)
            version = ".".join(map(str, gone.version))
            yield Finding(
                at=file.at(node),
                message=f"{name} is gone since {gone.package} {version}, which may be installed",
                hint=f"{gone.instead}; or require {gone.package}<{version}",
                because=tuple(
                    Because(each.at, f"{each.name}{each.specifier or ', any version'}") for each in said[:1]
                ),
            )


def _is_allowed(project: Project, gone: Gone) -> bool:
    """Whether no pinned Flask says that the whole project is of before that version."""
    return gone.package == "flask" or may_be(project, "flask", *gone.version)


def _used(node: ast.AST, owners: set[str]) -> Iterator[tuple[str, Gone]]:
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            found = _NAMES.get(name) or _NAMES.get(node.module)
            if found is not None:
                yield name, found
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in owners and node.attr in _ATTRIBUTES:
            yield f"{node.value.id}.{node.attr}", _ATTRIBUTES[node.attr]
        elif f"{node.value.id}.{node.attr}" in _NAMES and node.value.id == "flask":
            yield f"flask.{node.attr}", _NAMES[f"flask.{node.attr}"]


def _guarded(file: PythonFile) -> set[int]:
    """Return what stands where its absence is allowed for: in a try, or behind a question for it."""
    return {
        id(each)
        for node in file.nodes
        if isinstance(node, ast.Try | ast.If)
        and (
            isinstance(node, ast.Try)
            or "hasattr" in ast.unparse(node.test)
            or "version" in ast.unparse(node.test)
        )
        for each in ast.walk(node)
    }
