"""A Python start script runs the server by os.system or subprocess, and stays above it.

Python does not pass SIGTERM on: as PID 1 it does not even end on it. The server is killed with its requests
when the grace period is over. `os.execvp` replaces the script by the server.

## Example: os.system

Flagged at `start.py:3`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.py app.py ./
CMD ["python", "start.py"]
```

```python start.py
import os

os.system("gunicorn --workers 4 app:app")
```

## Example: a command that is put together

Flagged at `start.py:6`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.py app.py ./
CMD ["python", "start.py"]
```

```python start.py
import subprocess
import sys

command = ["gunicorn", "--workers", "4"]
command.append("app:app")
subprocess.run(command + sys.argv[1:], check=True)
```

## Use instead: exec

```dockerfile Dockerfile
FROM python:3.13-slim
COPY start.py app.py ./
CMD ["python", "start.py"]
```

```python start.py
import os
import subprocess

subprocess.run(["flask", "db", "upgrade"], check=True)
os.execvp("gunicorn", ["gunicorn", "--workers", "4", "app:app"])
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.process_tree import deaf
from gunwale.project.start import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.PID1, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for a Python program among what stays above each container's server."""
    seen = set()
    for start, ancestor in project.derive(deaf):
        code = next((each for each in start.ancestors if each.kind is Kind.CODE), ancestor)
        if code.kind is Kind.CODE and code.at not in seen:
            seen.add(code.at)
            yield Finding(
                at=code.at,
                message=f"{code.text} runs the server as a child: SIGTERM does not reach it",
                hint="replace the program by the server: os.execvp(command[0], command)",
                because=(Because(start.launch.words[0].at, "started here"),),
            )
