"""The ENTRYPOINT script does not use its arguments, so the command is never run.

CMD, compose's `command` and Kubernetes' `args` become arguments of the ENTRYPOINT. Whoever changes them sees
no change: the script starts what it always starts.

## Example: CMD after a script that ignores it

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY entrypoint.sh app.py ./
ENTRYPOINT ["./entrypoint.sh"]
CMD ["gunicorn", "--workers", "4", "app:app"]
```

```sh entrypoint.sh
#!/bin/sh
flask db upgrade
exec gunicorn app:app
```

## Use instead: the arguments are run

```dockerfile Dockerfile
FROM python:3.13-slim
COPY entrypoint.sh app.py ./
ENTRYPOINT ["./entrypoint.sh"]
CMD ["gunicorn", "--workers", "4", "app:app"]
```

```sh entrypoint.sh
#!/bin/sh
flask db upgrade
exec "$@"
```

## Use instead: they are read one by one

```dockerfile Dockerfile
FROM python:3.13-slim
COPY entrypoint.sh app.py ./
ENTRYPOINT ["./entrypoint.sh"]
CMD ["web"]
```

```sh entrypoint.sh
#!/bin/sh
case "${1}" in
  web) exec gunicorn app:app ;;
esac
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.facts import Place
from gunwale.project.readers.shell_script import ShellScript
from gunwale.project.start_path import starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.WARNING)
_USED = re.compile(r"\$(?:[@*#1-9]|\{[@*#!1-9])|\bshift\b|\bgetopts\b|^\s*(?:\.|source)\s", re.MULTILINE)


def check(project: Project) -> Iterator[Finding]:
    """Look at the script of each ENTRYPOINT that is given a command."""
    seen = set()
    for start in project.derive(starts):
        image, words = start.launch.image, start.launch.words
        entrypoint = image.entrypoint if image else None
        if image is None or entrypoint is None or entrypoint.words is None or len(entrypoint.words) != 1:
            continue
        path = image.find(project, entrypoint.words[0])
        script = project.one(ShellScript, path) if path and words[:1] else None
        is_ours = len(words) > 1 and words[0].value == entrypoint.words[0] and words[1].at not in seen
        source = project.source(path) if path and script is not None else None
        if is_ours and path and source is not None and not _USED.search(source.text):
            seen.add(words[1].at)
            yield Finding(
                at=words[1].at,
                message=f"{words[1].value[:40]} is never run: {path} ignores its arguments",
                hint='end the script with exec "$@", or take the command out',
                because=(Because(Place(path, 1), "it uses none of its arguments"),),
            )
