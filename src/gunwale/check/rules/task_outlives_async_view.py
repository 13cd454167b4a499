"""An async view leaves a task behind, which is cancelled when the view returns.

Flask runs each async view in an event loop of its own that ends with the view: what `create_task` started is
cancelled half way, without a word, and the mail it was to send is not sent.

## Example: a task that nobody waits for

Flagged at `app.py:10`.

```python app.py
import asyncio

from flask import Flask

app = Flask(__name__)


@app.post("/orders")
async def order():
    asyncio.create_task(send_mail())
    return "", 202


async def send_mail():
    await asyncio.sleep(1)
```

## Example: kept, and not waited for

Flagged at `app.py:10`.

```python app.py
import asyncio

from flask import Flask

app = Flask(__name__)


@app.post("/orders")
async def order():
    task = asyncio.ensure_future(send_mail())
    app.logger.info("started %s", task.get_name())
    return "", 202


async def send_mail():
    await asyncio.sleep(1)
```

## Use instead: waited for, or handed to a queue

```python app.py
import asyncio

from flask import Flask

app = Flask(__name__)


@app.post("/orders")
async def order():
    first = asyncio.create_task(send_mail())
    second = asyncio.create_task(send_mail())
    await asyncio.gather(first, second)
    tasks = [asyncio.create_task(send_mail()) for _ in range(3)]
    await asyncio.wait(tasks)
    async with asyncio.TaskGroup() as group:
        group.create_task(send_mail())
    return "", 202


async def send_mail():
    await asyncio.sleep(1)
```

## Use instead: Quart, whose loop stays

```python app.py
import asyncio

from quart import Quart

app = Quart(__name__)


@app.post("/orders")
async def order():
    asyncio.create_task(send_mail())
    return "", 202


async def send_mail():
    await asyncio.sleep(1)
```
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.python.async_views import async_views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.python.async_views import AsyncView

RULE = About(Topic.ASYNC, Severity.ERROR)
_STARTING = ("asyncio.create_task", "asyncio.ensure_future")


def check(project: Project) -> Iterator[Finding]:
    """Look in every async view for tasks that no await mentions."""
    for view in project.derive(async_views):
        waited = _waited(view)
        for statement in ast.walk(view.node):
            call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
            if not isinstance(call, ast.Call) or not _starts(view, call):
                continue
            if isinstance(statement, ast.Assign):
                targets = [ast.unparse(target) for target in statement.targets]
                if any(target in waited or not target.isidentifier() for target in targets):
                    continue
            yield Finding(
                at=view.file.at(statement),
                message="the task is cancelled when the view returns: its event loop ends with it",
                hint="await it, or hand the work to a queue such as Celery or RQ",
                because=(Because(view.at, "the async view"),),
            )


def _starts(view: AsyncView, call: ast.Call) -> bool:
    name = view.file.name(call.func)
    return name in _STARTING or name.endswith(
        ("get_event_loop().create_task", "get_running_loop().create_task")
    )


def _waited(view: AsyncView) -> set[str]:
    """Return every name that stands in an await, in what is returned, or in a call that may keep it."""
    return {
        name.id
        for node in ast.walk(view.node)
        if isinstance(node, ast.Await | ast.Return | ast.AsyncFor | ast.AsyncWith)
        or (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append"
        )
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
